from pushforward.distributions.normal import StandardNormal
from pushforward.training.history import Check, FitResult, History

ROWS = (
    Check(1.0, 4, 2.5, 2.0, 2.0, 1e-3, 0.5, 9.0, 0),
    Check(2.0, 8, 1.5, 2.25, 2.0, 5e-4, 0.75, 8.0, 1),
)


def test_history_is_the_checks_in_columns():
    history = History.of(ROWS)
    assert history.epoch == [1.0, 2.0]
    assert history.step == [4, 8]
    assert history.train_loss == [2.5, 1.5]
    assert history.validation_loss == [2.0, 2.25]
    assert history.learning_rate == [1e-3, 5e-4]
    assert history.seconds == [0.5, 0.75]
    assert repr(history) == "History(2 checks)"


def test_without_validation_its_column_is_empty():
    assert History.of(tuple(row._replace(validation_loss=None) for row in ROWS)).validation_loss == []


def test_the_repr_of_a_result_is_one_line():
    result = FitResult(StandardNormal((2,)), History.of(ROWS), 1.5, 2.0, "patience", 8, 0.75, 1)
    assert repr(result) == (
        "FitResult(stopped by patience after 8 steps in 0.8 s; best epoch 1.5, validation loss 2.0000 nats)"
    )
    without = FitResult(StandardNormal((2,)), History.of(ROWS), 2.0, None, "epochs", 8, 0.75, 0)
    assert repr(without) == "FitResult(stopped by epochs after 8 steps in 0.8 s; best epoch 2)"
