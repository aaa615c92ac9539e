"""The generative adversarial network whose generator is a residual, x + G(x) (Neuron Editing, Section 3)."""

from outofsample.models import gan


class Model(gan.Model):
    """As `gan`, with a residual generator that starts as the identity: generating residuals is not editing."""

    residual = True
