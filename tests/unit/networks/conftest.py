"""Shapes of layers."""

import torch


def layer_shapes(network, *inputs) -> dict[str, tuple[int, ...]]:
    """Return what each named layer gives for one call: (height, width, channels) or (units,)."""
    shapes = {}

    def note(name):
        def hook(module, arguments, output):
            size = tuple(output.shape[1:])
            shapes[name] = (*size[1:], size[0]) if len(size) == 3 else size

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in network.named_modules() if name]
    network.eval()
    with torch.no_grad():
        network(*inputs)
    for hook in hooks:
        hook.remove()
    return shapes
