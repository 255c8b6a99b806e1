"""GEMINI-MIP pre-trained by several sites: NVFLARE averages the network, images stay at home.

    python examples/federated.py simulate SITE_1 SITE_2 --workspace runs/federated

In the root of a clone with the extra ``nvflare``, in NVFLARE's simulator. A ``SITE`` is a folder
with a ``dataset.json``, for a client of its own; ``--rounds 6 --epoch_length 10`` and other keys of
``train.json`` may follow. Outside the simulator each site writes its ``NAME.json`` itself.
"""

from __future__ import annotations

import json
from pathlib import Path

import fire
from monai.bundle import ConfigParser

from gemini_monai.networks import network_arguments

BUNDLE = Path("bundles/gemini_mip").absolute()


def simulate(*sites: str, workspace: str, rounds: int = 2, **knobs: object) -> None:
    """FedAvg over clients ``site-1``, ``site-2``, ...; ``WORKSPACE/job/server`` has the network."""
    from nvflare.app_opt.pt.recipes.fedavg import FedAvgRecipe
    from nvflare.recipe import SimEnv

    root = Path(workspace).absolute()
    root.mkdir(parents=True)
    clients = [f"site-{number}" for number in range(1, len(sites) + 1)]
    for name, folder in zip(clients, sites, strict=True):
        data = Path(folder).absolute()
        places = {"dataset_dir": str(data), "datalist": str(data / "dataset.json")}
        given = {**knobs, **places, "output_dir": str(root / name), "epochs": rounds}
        (root / f"{name}.json").write_text(json.dumps(given), encoding="utf-8")
    recipe = FedAvgRecipe(
        name="job",
        model=network(given),
        min_clients=len(clients),
        num_rounds=rounds,
        train_script=__file__,
        train_args=f"client {BUNDLE} {root}",  # NVFLARE splits at spaces, whatever is quoted
    )
    recipe.execute(SimEnv(clients=clients, workspace_root=str(root)))


def network(knobs: dict[str, object]) -> dict[str, object]:
    """The bundle's network for the images of one site, as NVFLARE's server wants it."""
    parser = ConfigParser(ConfigParser.load_config_file(BUNDLE / "configs" / "train.json"))
    parser.update(knobs)
    given = network_arguments(parser.get_parsed_content("settings"))
    return {"class_path": "gemini_monai.networks.Gemini", "args": given}


def client(bundle: str, places: str) -> None:
    """One site: a round is an epoch of its own images, from the averaged network."""
    import nvflare.client as flare
    from monai.fl.client import MonaiAlgo
    from monai.fl.utils.constants import ExtraItems
    from monai.fl.utils.exchange_object import ExchangeObject

    flare.init()
    name = flare.get_site_name()
    knobs = json.loads((Path(places) / f"{name}.json").read_text(encoding="utf-8"))
    site = MonaiAlgo(
        bundle, send_weight_diff=False, config_evaluate_filename=None, train_kwargs=knobs
    )
    site.initialize({ExtraItems.CLIENT_NAME: name})
    while flare.is_running():
        averaged = flare.receive()
        site.train(ExchangeObject(weights=averaged.params))
        flare.send(flare.FLModel(params=site.get_weights().weights))


if __name__ == "__main__":
    fire.Fire({"simulate": simulate, "client": client})
