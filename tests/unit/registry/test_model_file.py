"""A model file is built only from reviewed types, and only if it is the registered one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io

from catena.modeling.search import recipe_of_trial
from catena.modeling.train import pipeline_for
from catena.registry.model_file import ModelTampered, UntrustedModel, digest_of, load_checked
from catena.registry.trusted_types import trusted_types
from usecases.flight_delays.model import MODEL
from usecases.flight_delays.search import SEARCH


@pytest.fixture(scope="module")
def fitted():
    chance = np.random.default_rng(0)
    frame = pd.DataFrame({name: chance.random(600) for name in MODEL.numeric})
    for name in MODEL.categorical:
        frame[name] = pd.Series(chance.choice(["a", "b", "(none)"], 600), dtype=object)
    frame = frame[list(MODEL.features)]
    return pipeline_for(MODEL).fit(frame, chance.integers(0, 2, 600)), frame


def test_the_declared_pipeline_survives_its_file(fitted, tmp_path):
    """Saved and loaded, the model gives the same scores, also for categories it never saw."""
    model, frame = fitted
    file = tmp_path / "model.skops"
    skops.io.dump(model, file)
    loaded = load_checked(file, digest_of(file), trusted_types(MODEL))
    asked = frame.head(20).assign(carrier="never seen")
    assert (loaded.predict_proba(asked) == model.predict_proba(asked)).all()


@pytest.mark.parametrize("family", SEARCH.families, ids=lambda family: family.name)
def test_each_family_of_the_search_can_be_registered(fitted, tmp_path, family):
    """Whatever a search may adopt is made of reviewed types alone, and gives the same scores from its file."""
    params = {name: getattr(space, "high", None) or space.values[-1] for name, space in family.space.items()}
    model = MODEL.built_by(recipe_of_trial(MODEL, family, params))
    frame = fitted[1]
    made = pipeline_for(model).fit(frame, np.random.default_rng(1).integers(0, 2, len(frame)))
    skops.io.dump(made, tmp_path / "model.skops")
    loaded = load_checked(tmp_path / "model.skops", digest_of(tmp_path / "model.skops"), trusted_types(MODEL))
    assert (loaded.predict_proba(frame) == made.predict_proba(frame)).all()


def test_a_type_that_nobody_reviewed_is_refused(fitted, tmp_path):
    """The error names the type and where it is added after review."""
    file = tmp_path / "model.skops"
    skops.io.dump(fitted[0], file)
    with pytest.raises(UntrustedModel, match=r"TreePredictor.*trusted_types"):
        load_checked(file, digest_of(file), [])


def test_another_file_than_the_registered_one_is_refused(fitted, tmp_path):
    """One changed byte is enough, and nothing is built from it."""
    file = tmp_path / "model.skops"
    skops.io.dump(fitted[0], file)
    sha256 = digest_of(file)
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(ModelTampered, match="registered"):
        load_checked(file, sha256, trusted_types(MODEL))
