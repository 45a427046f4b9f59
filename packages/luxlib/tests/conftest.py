"""What tests of several rooms need."""

import jax
import pytest
from jax.sharding import AbstractDevice, AbstractMesh


@pytest.fixture
def abstract_gpu():
    """Inside of it functions are traced and lowered for a GPU that the machine may not have."""
    device = AbstractDevice("NVIDIA H100 80GB HBM3", 132, "cuda")
    return jax.sharding.use_abstract_mesh(AbstractMesh((1,), ("x",), abstract_device=device))
