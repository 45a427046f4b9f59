"""What `import lux` offers."""

import lux
import luxcore
import luxlib


def test_every_public_name_of_luxcore_is_here_and_the_same():
    for name in luxcore.__all__:
        assert name in lux.__all__
        if name != "setup":
            assert getattr(lux, name) is getattr(luxcore, name)
    assert lux.setup is not luxcore.setup


def test_every_public_name_of_lux_losses_is_here_and_the_same():
    import lux_losses

    for name in lux_losses.__all__:
        assert name in lux.__all__
        assert getattr(lux, name) is getattr(lux_losses, name)


def test_public_names_exist_once_in_order():
    assert len(set(lux.__all__)) == len(lux.__all__)
    assert all(hasattr(lux, name) for name in lux.__all__)
    assert set(lux.layers.__all__) < set(lux.__all__)
    assert sorted(lux.initializers.__all__) == lux.initializers.__all__
    assert sorted(lux.training.__all__) == lux.training.__all__


def test_every_activation_of_luxlib_is_here_and_the_same():
    from luxlib import _activations, _glu

    for name in (*_activations.__all__, *_glu.__all__):
        assert name in lux.__all__
        assert getattr(lux, name) is getattr(luxlib, name)
