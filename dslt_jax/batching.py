"""A stage of the tracker over many targets in one program."""

import functools

import jax

CPU_BATCH = 8  # targets at once: the maps of more no longer fit a CPU's caches


def over_targets(body, axes):
    """A stage over a leading axis of targets, of the arguments whose axis is 0."""

    @functools.partial(jax.jit, static_argnums=0)
    def run(config, *arguments):
        def one(targets):
            targets = iter(targets)
            chosen = zip(arguments, axes, strict=True)
            return body(config, *(a if axis is None else next(targets) for a, axis in chosen))

        targets = tuple(a for a, axis in zip(arguments, axes, strict=True) if axis == 0)
        batch = CPU_BATCH if jax.default_backend() == "cpu" else None
        count = jax.tree.leaves(targets)[0].shape[0]
        if batch is None or count <= batch:
            return jax.vmap(one)(targets)
        return jax.lax.map(one, targets, batch_size=batch)

    return run
