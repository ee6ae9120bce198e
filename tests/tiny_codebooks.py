"""Tiny codebooks for tests, whose images run different routes."""

import numpy as np
from tiny_networks import IMAGES, make, make_dmnn, make_instanas, run

from tfdyn.families.codebook.codebook import Codebook
from tfdyn.routing.random_routes import random_routes

BASES = {"dmnn": make_dmnn, "drnet": make, "instanas": make_instanas}
THRESHOLDS = (0.7, 0.6, 0.5, 0.4, 0.8, 0.9)


def random_codebook(base):
    """A codebook of three random routes."""
    routes = random_routes(base.route_spec, 3, 1.2, seed=1)
    return shake(Codebook(base, routes, [0.2, 0.5, 1.0]))


def shake(model):
    """Gives all weights values that are not those of the beginning."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.dtype == "float32" and "choice" not in weight.path:
            noise = 0.1 * random.random(weight.shape)
            weight.assign(np.array(weight) + noise.astype("float32"))
    return model


def differ(model, images=IMAGES):
    """Makes routers predict other things for each image, about one half on average."""
    state, random = model.base.begin(images), np.random.default_rng(3)
    route = model.route_spec.split(np.repeat(model.routes[-1:], len(images), axis=0))
    for index, (router, part) in enumerate(
        zip(model.routers, model.parts, strict=True)
    ):
        if router:
            decide = router.decide
            decide.kernel.assign(random.normal(size=decide.kernel.shape))
            logits = np.asarray(router(model.base.look(state))[0])
            scale = 2 / logits.std(axis=0)
            decide.kernel.assign(decide.kernel * scale)
            decide.bias.assign(-scale * logits.mean(axis=0))
        state = model.base.advance(
            state, index, {op.name: route[op.name] for op in part}
        )


def chosen(model, threshold, images=IMAGES):
    """The index of the route that each image runs."""
    outputs = run(model, images, threshold=threshold)
    flat = model.route_spec.flatten(outputs["route"])
    matches = (flat[:, None] == model.routes).all(axis=-1)
    assert (matches.sum(axis=1) == 1).all()
    return matches.argmax(axis=1)


def telling_threshold(model, images=IMAGES):
    """The first T at which the images run different routes."""
    return next(t for t in THRESHOLDS if len({*chosen(model, t, images)}) > 1)
