"""The page's style sheet: one column, light and dark by the reader's own setting."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --paper:#fff; --card:#f6f7f9; --ink:#17191c; --muted:#5d646d;
  --rule:#dfe2e6; --accent:#0072b2; --bad:#b3261e; --low:213,94,0; --shade:rgba(0,0,0,.16);
  --series-0:#0072b2; --series-1:#d55e00; --series-2:#008a63; --series-3:#b8568f;
  --series-4:#b87400; --series-5:#2d8fc7; }
@media (prefers-color-scheme: dark) { :root { --paper:#14161a; --card:#1c1f25; --ink:#eceef1;
  --muted:#a2a9b3; --rule:#32373f; --accent:#56b4e9; --bad:#ff8a80; --low:240,130,50;
  --shade:rgba(0,0,0,.6);
  --series-0:#56b4e9; --series-1:#f08a45; --series-2:#2fc798; --series-3:#e0a0c8;
  --series-4:#e9b54a; --series-5:#9cc8e4; } }
* { box-sizing:border-box }
html { scroll-padding-top:3.2rem }
body { margin:0; background:var(--paper); color:var(--ink);
  font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
  font-variant-numeric:tabular-nums }
header, main, footer { max-width:1100px; margin:0 auto; padding:0 1.5rem }
header { padding-top:2.2rem }
h1 { font-size:1.9rem; line-height:1.2; letter-spacing:-.015em; margin:0 0 .3rem }
h2 { font-size:1.35rem; letter-spacing:-.01em; margin:0 0 .9rem }
h3 { font-size:1rem; margin:1.6rem 0 .6rem }
h3 span { font-weight:400; color:var(--muted); margin-left:.5rem }
section { padding:2.2rem 0 .6rem; border-top:1px solid var(--rule) }
section.findings { border:0; padding-top:1.2rem }
.meta, .note { color:var(--muted) }
.meta { margin:0 }
.note { margin:.2rem 0 1rem; font-size:.9rem; max-width:52rem }
main > section:last-child { padding-bottom:1.5rem }
nav { position:sticky; top:0; z-index:2; background:var(--paper);
  border-bottom:1px solid var(--rule); margin-top:1.2rem }
nav ul { max-width:1100px; margin:0 auto; padding:.6rem 1.5rem; display:flex; flex-wrap:wrap;
  gap:.2rem 1.4rem; list-style:none; font-size:.9rem }
nav a { color:var(--muted); text-decoration:none } nav a:hover { color:var(--accent) }
.lead { font-size:1.3rem; line-height:1.45; margin:0 0 .8rem; max-width:56rem }
.findings strong { color:var(--accent); white-space:nowrap }
.findings ul { margin:0 0 1.4rem; padding-left:1.15rem; max-width:58rem }
.findings li { margin:.25rem 0 }
.findings dl { display:grid; grid-template-columns:repeat(auto-fill,minmax(185px,1fr)); gap:.8rem;
  margin:0 0 1.4rem }
.findings dl div { background:var(--card); border-radius:10px; padding:.8rem 1rem }
dt { color:var(--muted); font-size:.82rem } dd { margin:.1rem 0 0; font-size:1.3rem;
  font-weight:600; letter-spacing:-.01em; white-space:nowrap }
dd span { color:var(--muted); font-weight:400 }
.key { list-style:none; display:flex; flex-wrap:wrap; gap:.2rem 1.2rem; margin:0 0 1rem; padding:0;
  font-size:.9rem }
.chip { display:inline-block; width:.8em; height:.8em; border-radius:3px; margin-right:.45em;
  vertical-align:-.05em; box-shadow:inset 0 0 0 1px rgba(128,128,128,.35) }
.ramp { display:inline-block; width:5.5rem; height:.75em; border-radius:3px; vertical-align:-.08em;
  margin:0 .25em; box-shadow:inset 0 0 0 1px rgba(128,128,128,.35) }
.ramp.difference { background:linear-gradient(90deg,#2d004b,#8073ac,#f7f7f7,#e08214,#7f3b08) }
.ramp.growth { background:linear-gradient(90deg,#053061,#4393c3,#f7f7f7,#d6604d,#67001f) }
figure { margin:0 } figure.wide { margin:0 0 1.4rem; overflow-x:auto }
svg.chart { display:block; max-width:100%; height:auto }
.panels { display:grid; grid-template-columns:repeat(var(--columns),minmax(0,1fr)); gap:.8rem }
svg.panel { display:block; width:100%; height:auto; border-radius:6px }
.panel.empty { aspect-ratio:1; border:1px dashed var(--rule); border-radius:6px }
.panels { margin-bottom:1.4rem }
.legend { font-size:.84rem; color:var(--muted); line-height:1.45; align-self:start }
.legend p { margin:0 0 .7rem } .legend .ramp { display:block; width:100%; margin:.15rem 0 .2rem }
.legend .ends { display:flex; justify-content:space-between }
.panels figcaption { font-size:.87rem; margin-top:.35rem; line-height:1.35 }
.panels small { display:block; color:var(--muted) }
.scroll { overflow:auto; margin:0 0 1.2rem } .scroll.tall { max-height:46rem;
  background:linear-gradient(var(--paper) 40%,transparent) 0 0/100% 3rem local no-repeat,
    linear-gradient(transparent,var(--paper) 60%) 0 100%/100% 3rem local no-repeat,
    linear-gradient(transparent,var(--shade)) 0 100%/100% .7rem scroll no-repeat }
table { border-collapse:collapse; font-size:.88rem; width:100% }
caption { text-align:left; color:var(--muted); padding:0 0 .5rem }
th, td { padding:.32rem .75rem; text-align:right; border-bottom:1px solid var(--rule);
  white-space:nowrap }
th:first-child, td:first-child { text-align:left; padding-left:0 }
thead th { font-weight:600; vertical-align:bottom; white-space:normal; hyphens:manual }
thead th.text { text-align:left }
.tall thead th { position:sticky; top:0; background:var(--paper) }
tbody th { font-weight:400 }
.tall th:first-child { position:sticky; left:0; background:var(--paper) }
.tall thead th:first-child { z-index:1 }
.text { text-align:left; white-space:normal; overflow-wrap:anywhere; min-width:7rem }
.total { font-weight:650 } .clear { color:var(--accent); font-weight:650 }
.bad { color:var(--bad); font-weight:650 } .differs { color:var(--accent); font-weight:600 }
.low-1 { background:rgba(var(--low),.10) } .low-2 { background:rgba(var(--low),.2) }
.low-3 { background:rgba(var(--low),.32) } .low-4 { background:rgba(var(--low),.46) }
.facts td { text-align:left; white-space:normal; overflow-wrap:anywhere }
.facts thead th { text-align:left } .facts th:first-child { color:var(--muted); width:9rem }
pre { background:var(--card); border-radius:8px; padding:.8rem 1rem; overflow-x:auto;
  white-space:pre-wrap; overflow-wrap:anywhere; font-size:.85rem }
footer { color:var(--muted); font-size:.85rem; padding-top:1.5rem; padding-bottom:2.5rem }
@media (max-width:760px) { .panels { grid-template-columns:repeat(2,minmax(0,1fr)) } }
@media print { nav { display:none } .scroll.tall { max-height:none } }
"""
