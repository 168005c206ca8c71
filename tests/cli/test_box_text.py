import pytest

from dslt_jax.cli import box_text
from dslt_jax.cli.box_text import BoxError


@pytest.mark.parametrize(
    "text",
    [
        "20,40,28,24",
        " 20, 40, 28, 24 ",
        "20 40\t28 2.4e1",
        "20;40;28;24",
        "20,40,28,24,",
        "[20, 40, 28, 24]",
        "(20 40 28 24)",
        "'20,40,28,24'",
        "20px,40px,28px,24px",
        "x=20,y=40,w=28,h=24",
        "h=24 w=28 y=40 x=20",
        '{"x": 20, "y": 40, "width": 28, "height": 24}',
        "left: 20, top: 40, right: 48, bottom: 64",
        "x1=20 y1=40 x2=48 y2=64",
        "bbox_x=20 bbox_y=40 bbox_w=28 bbox_h=24",
        "cx=34,cy=52,w=28,h=24",
        "12.5%,40px,17.5%,20%",
    ],
)
def test_ways_to_write_a_box(text):
    assert box_text.parse_box(text).pixels(160, 120) == pytest.approx((20, 40, 28, 24))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (None, "20,40,28,24"),
        ("xywh", "20,40,28,24"),
        ("xyxy", "20,40,48,64"),
        ("cxcywh", "34,52,28,24"),
        ("xyxy", "x1=20,y1=40,x2=48,y2=64"),
    ],
)
def test_formats(form, text):
    assert box_text.parse_box(text, form=form).pixels(160, 120) == (20, 40, 28, 24)


def test_percent_is_of_the_frames_width_and_height():
    box = box_text.parse_box("10%,10%,50%,50%", form="xyxy")
    assert box.pixels(200, 100) == (20, 10, 80, 40)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3", "--box is '1,2,3', which is 3 numbers: four numbers are needed: x,y,w,h"),
        ("7", "--box is '7', which is 1 number: four"),
        ("1,2,3,4,5", "with '5' behind the box"),
        ("1,2,3,4 cat", "with 'cat' behind the box"),
        ("a,2,3,4", "where 'a' is no number"),
        ("", "where '' is no number"),
        ("1,,3,4", "where '' is no number"),
        ("1_0,2,3,4", "where '1_0' is no number"),
        ("28x24+20+40", "where '28x24+20+40' is no number"),
        ("28:24:20:40", "where '28:24:20:40' is no number"),
        ("20,5;40;28;24", "where '20,5' is no number (a decimal point is a dot)"),
        ("20;40;28;24,5", "where '24,5' is no number (a decimal point is a dot)"),
        ("nan,2,3,4", "every number must be finite"),
        ("1,2,inf,4", "every number must be finite"),
        ("1,2,1e999,4", "every number must be finite"),
        ("x=1,y=2,w=3", "a box has x,y,w,h, or x1,y1,x2,y2, or cx,cy,w,h"),
        ("x=1,y=2,w=3,h=4,w=5", "a box has x,y,w,h"),
        ("x=1,y=2,w=3,z=4", "where 'z' is no side"),
        ("x=1,y=2,w=3,4", "where '4' has no name"),
    ],
)
def test_what_is_no_box(text, message):
    with pytest.raises(BoxError) as error:
        box_text.parse_box(text)
    assert message in str(error.value)


def test_the_format_that_is_asked_for_is_in_the_sentence():
    with pytest.raises(BoxError, match="four numbers are needed: x1,y1,x2,y2"):
        box_text.parse_box("1,2,3", form="xyxy")
    with pytest.raises(BoxError, match="which is xywh, but --box_format is xyxy"):
        box_text.parse_box("x=1,y=2,w=3,h=4", form="xyxy")
