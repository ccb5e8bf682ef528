import matplotlib as mpl
import pytest


@pytest.fixture(autouse=True)
def settings_stay():
    """No picture may change matplotlib's global settings."""
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before


@pytest.fixture
def texts():
    """Returns all that a figure says."""
    from matplotlib.text import Text

    return lambda figure: [text.get_text() for text in figure.findobj(Text) if text.get_text()]
