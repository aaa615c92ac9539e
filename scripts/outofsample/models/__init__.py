"""Models: what is trained. One file is one model; its networks are in `outofsample.networks`.

The files import torch only when a model is fitted, so that configurations are checked without it.
"""
