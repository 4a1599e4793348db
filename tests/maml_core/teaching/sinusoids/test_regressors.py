"""Networks for sinusoids: their outputs against a plain loop, their curves and errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.episodes.sampling import episode_generator
from maml_core.networks.functional import initial_params
from maml_core.teaching.sinusoids.regressors import (
    METHODS,
    FittedCurves,
    Regressor,
    adapted_outputs,
    fit_curves,
    network_inputs,
    regression_network,
)
from maml_core.teaching.sinusoids.tasks import (
    GRID_SIZE,
    Sinusoid,
    Sinusoids,
    sample_sinusoids,
    sample_x,
    x_grid,
)


def params_of(method, seed=0):
    return initial_params(regression_network(method), seed)


def test_outputs_are_those_of_a_plain_loop_and_an_oracle_takes_no_step():
    waves = sample_sinusoids(2, episode_generator(1, 0))
    x = sample_x(2, 5, episode_generator(2, 0))
    at = torch.linspace(-5, 5, 7)
    for method in METHODS:
        params = {n: v + 0.1 for n, v in initial_params(regression_network(method), 0).items()}
        learner = Regressor(method, params, 0.01, 0)
        found = adapted_outputs(learner, waves, x, waves.targets(x), at, 2)
        assert found.shape == (2, 3, 7)
        for i in range(2):
            one = Sinusoids(*(value[i : i + 1] for value in waves))
            told = network_inputs(method, at[None, :, None, None, None], one)[0]
            fast = {n: v.clone().requires_grad_() for n, v in params.items()}
            for step in range(3):
                said = torch.func.functional_call(regression_network(method), fast, (told,))
                torch.testing.assert_close(found[i, step], said[:, 0].detach())
                if method == "oracle":
                    continue
                out = torch.func.functional_call(
                    regression_network(method), fast, (x[i][:, None, None, None],)
                )
                error = F.mse_loss(out[:, 0], waves.targets(x)[i])
                slopes = torch.autograd.grad(error, list(fast.values()))
                fast = {n: v - 0.01 * s for (n, v), s in zip(fast.items(), slopes, strict=True)}
    nothing = x[:, :0]
    learner = Regressor("maml", params_of("maml"), 0.01, 0)
    still = adapted_outputs(learner, waves, nothing, nothing, at, 2)
    assert torch.equal(still[:, 0], still[:, 2])


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="method is 'reptile'"):
        Regressor("reptile", {}, 0.01, 0)


def test_a_fit_is_that_of_the_points_wherever_they_lie():
    learners = {method: Regressor(method, params_of(method), 0.02, 0) for method in METHODS}
    wave = Sinusoid(2.0, 1.0)
    found = fit_curves(learners, wave, [(1.0, 4.0)], 3)
    assert found["maml"].curves.shape == (4, GRID_SIZE)
    one = int(np.abs(x_grid() - 1).argmin())
    heights = found["maml"].curves[:, one]
    assert heights[0] == 0 < heights[1] < heights[3] < 4.0  # towards the point, not the wave
    nowhere = fit_curves(learners, wave, [], 3)
    assert not nowhere["maml"].curves.any()


def test_the_error_of_a_fit_is_measured_where_it_is_asked_for():
    wave, x = Sinusoid(1.5, 0.5), x_grid()
    curves = np.stack([wave.targets(x), wave.targets(x) + 2 * (x > 0), wave.targets(x) - 3])
    fit = FittedCurves("maml", 0.01, curves)
    np.testing.assert_allclose(fit.squared_errors(wave), [0, 4 * 50 / 101, 9])
    np.testing.assert_allclose(fit.squared_errors(wave, low=0.01), [0, 4, 9])
    np.testing.assert_allclose(fit.squared_errors(wave, high=0.0), [0, 0, 9])
