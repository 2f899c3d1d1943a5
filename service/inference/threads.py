"""How many threads the API's own torch computes with."""


def one_each() -> None:
    """One a request, for the whole process, from now on: its requests are many, and workers train beside it.

    Threads inside a kernel spin while they wait for each other. Two of them beside two busy processes on two cores made
    an occlusion of `mnist_example` take a second where one takes a fifth of that.
    """
    import torch

    torch.set_num_threads(1)
