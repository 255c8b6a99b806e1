// Opens a viewer where a person asks for it; until then its volumes and NiiVue are only text.
"use strict";
(() => {
  async function unpacked(base64) {
    const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  let loaded;
  async function loadNiivue() {
    const code = await unpacked(document.getElementById("niivue").textContent);
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(code);
    document.head.append(script);
    return window.niivue;
  }

  const OPTIONS = {
    isRadiologicalConvention: true, sagittalNoseLeft: true, // as the still pictures
    multiplanarShowRender: 0, isOrientationTextVisible: false, isNearestInterpolation: true,
    isForceMouseClickToVoxelCenters: true, dragAndDropEnabled: false, logLevel: "warn",
    crosshairColor: [0.3, 0.8, 1, 0.9], crosshairWidth: 0.35, crosshairWidthUnit: "percent",
    clipPlaneHotKey: "", cycleClipPlaneHotKey: "", viewModeHotKey: "",
  };

  function labelColors(structures) {
    const channel = (place) => structures.map(
      ([, color]) => parseInt(color.slice(1 + 2 * place, 3 + 2 * place), 16));
    return { R: [0, ...channel(0)], G: [0, ...channel(1)], B: [0, ...channel(2)],
      A: [0, ...structures.map(() => 255)], I: [...Array(structures.length + 1).keys()],
      labels: ["", ...structures.map(([name]) => name)] };
  }

  async function openVolumes(canvas, { layers, structures }) {
    loaded ??= loadNiivue();
    const { Niivue, NVImage } = await loaded;
    const view = new Niivue(OPTIONS);
    await view.attachToCanvas(canvas);
    view.addColormap("opaque", { R: [0, 255], G: [0, 255], B: [0, 255], A: [255, 255], I: [0, 255] });
    const volumes = [];
    for (const [place, { kind, data }] of layers.entries()) {
      const volume = await NVImage.loadFromUrl({ url: await unpacked(data), name: `${place}.nii`,
        colormap: place ? "opaque" : "gray", opacity: place ? 0 : 1, cal_min: 0, cal_max: 255 });
      if (kind === "labels") volume.setColormapLabel(labelColors(structures));
      volumes.push(Object.assign(volume, { whole: volume.img }));
    }
    const isLabel = (place) => layers[place].kind === "labels";
    const order = [...volumes.keys()]; // of labels the first lies on top
    order.sort((a, b) => isLabel(a) - isLabel(b) || (isLabel(a) ? b - a : a - b));
    order.forEach((place) => view.addVolume(volumes[place]));
    return { view, volumes };
  }

  // Voxels of a structure that have another value beside them.
  function surface(labels, [, ...sizes]) {
    const steps = [1, sizes[0], sizes[0] * sizes[1]];
    return labels.map((label, at) => label && steps.some((step, axis) => {
      const place = Math.floor(at / step) % sizes[axis];
      return place === 0 || place === sizes[axis] - 1 ||
        labels[at - step] !== label || labels[at + step] !== label;
    }) ? label : 0);
  }

  function bindLayers(root, { view, volumes }, { layers, structures }, tell) {
    const opacity = root.querySelector(".opacity input");
    const choices = [...root.querySelectorAll("select")];
    const first = layers.findIndex(({ kind }) => kind === "labels");
    const white = structures.map(([name]) => [name, "#ffffff"]);
    const show = (volume, place, way) => {
      volume.opacity = way ? opacity.value / 100 : 0;
      if (layers[place].kind !== "labels") return;
      const outlined = way === "outline";
      volume.img = outlined ? volume.edge ??= surface(volume.whole, volume.hdr.dims) : volume.whole;
      const colors = outlined && place === first ? white : structures; // as in the pictures
      volume.setColormapLabel(labelColors(colors));
    };
    const draw = () => {
      choices.forEach(({ value }, k) => show(volumes[k + 1], k + 1, value));
      view.updateGLVolume();
      tell();
    };
    [...choices, opacity].forEach((control) => control.addEventListener("input", draw));
    draw();
  }

  // What every label that is shown says of the cross.
  function structuresAt(values, root, { view, volumes }, { layers, structures }) {
    const ways = [...root.querySelectorAll("select")].map(({ value }) => value);
    const places = layers.flatMap(
      ({ kind }, place) => place && kind === "labels" && ways[place - 1] ? [place] : []);
    const names = places.map((place) => {
      const volume = volumes[place];
      const { vox } = values[view.volumes.indexOf(volume)];
      const [drawn, frame] = [volume.img, 0];
      volume.img = volume.whole;
      const value = Math.round(volume.getValue(...vox, frame));
      volume.img = drawn;
      return (value && structures[value - 1]?.[0]) || "background";
    });
    if (names.length < 2) return names.map((name) => `At the cross: ${name}`).join("");
    const said = names.map((name, k) => `${layers[places[k]].name}: ${name}`);
    return `At the cross: ${said.join(", ")}`;
  }

  function bindPlanes(root, view, planes) {
    const sliders = [...root.querySelectorAll(".plane input")];
    const turned = (axis, index) => planes[axis].backward ? planes[axis].count - 1 - index : index;
    const show = () => sliders.forEach((slider, axis) => {
      const { count, first, step, total } = planes[axis];
      const place = Math.min(count - 1, Math.floor(view.scene.crosshairPos[axis] * count));
      slider.value = turned(axis, place);
      const said = `${first + step * slider.value + 1} of ${total}`;
      slider.setAttribute("aria-valuetext", said);
      slider.nextElementSibling.textContent = said;
    });
    const move = () => {
      view.scene.crosshairPos = sliders.map(
        (slider, axis) => (turned(axis, Number(slider.value)) + 0.5) / planes[axis].count);
      view.drawScene();
      view.createOnLocationChange();
    };
    sliders.forEach((slider) => slider.addEventListener("input", move));
    return { show, move };
  }

  async function start(root) {
    const data = JSON.parse(root.querySelector("script").textContent);
    const canvas = root.querySelector("canvas");
    const opened = await openVolumes(canvas, data);
    const { view } = opened;
    canvas.tabIndex = -1; // the sliders are what keys reach
    const here = root.querySelector("output.here");
    const { show, move } = bindPlanes(root, view, data.planes);
    view.onLocationChange = ({ values }) => {
      show();
      here.textContent = structuresAt(values, root, opened, data);
    };
    move(); // before the layers tell where NiiVue starts
    bindLayers(root, opened, data, () => view.createOnLocationChange());
    root.dataset.state = "open";
  }

  function whyNot() {
    if (!document.createElement("canvas").getContext("webgl2")) return "it has no WebGL 2";
    if (!window.DecompressionStream) return "it is too old to unpack them";
    return "";
  }

  for (const root of document.querySelectorAll(".viewer")) {
    const [button, stage] = [root.querySelector("button"), root.querySelector(".stage")];
    root.hidden = false;
    button.addEventListener("click", async () => {
      const opened = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!opened));
      stage.hidden = opened;
      if (opened || root.dataset.state) return;
      root.dataset.state = "opening";
      try {
        if (whyNot()) throw new Error(whyNot());
        await start(root);
      } catch (error) {
        root.dataset.state = "failed";
        stage.textContent = `This browser cannot show the volumes: ${error.message}.`;
      }
    });
  }
})();
