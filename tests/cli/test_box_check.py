import pytest

from dslt_jax.cli.box_check import settle_box
from dslt_jax.cli.box_text import BoxError, parse_box


def settle(text, form=None):
    return settle_box(parse_box(text, form=form), 100, 80, 4.0)


@pytest.mark.parametrize("text", ["0,0,100,80", "90,70,10,10", "5,5,4,4", "30%,30%,70%,70%"])
def test_boxes_inside(text):
    box, said = settle(text)
    assert box == parse_box(text).pixels(100, 80)
    assert said is None


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("0,0,101,50", (0, 0, 100, 50)),
        ("0,0,108,87", (0, 0, 100, 80)),
        ("-9,10,20,20", (0, 10, 11, 20)),
        ("85,70,20,15", (85, 70, 15, 10)),
        ("10,8,95,70", (10, 8, 90, 70)),
    ],
)
def test_boxes_that_reach_over_the_frame_are_cut(text, cut):
    box, said = settle(text)
    assert box == cut
    shown = ",".join(map(str, cut))
    assert said == (
        f"the box is {text} and reaches over the frame of 100 x 80 pixels: it is cut to {shown}"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10,10,0,20", "the box is 10,10,0,20: its width and height must be positive"),
        ("10,10,20,-5", "10,10,20,-5: its width and height must be positive"),
        ("10,10,1,1", "too small to follow, its sides must be 4 pixels or more"),
        ("10,10,30,3.9", "too small to follow"),
        ("0,0,111,50", "larger than the frame, which has 100 x 80 pixels"),
        ("0,0,50,89", "larger than the frame"),
        ("200,10,20,20", "outside the frame of 100 x 80 pixels; its middle must be inside"),
        ("10,-50,20,20", "outside the frame"),
        ("91,10,20,20", "outside the frame"),
        ("97,10,5,20", "too little of it is in the frame"),
        ("0.1,0.2,0.3,0.25", "If these are fractions of the frame, write 10%,20%,30%,25%"),
    ],
)
def test_boxes_that_cannot_be_followed(text, message):
    with pytest.raises(BoxError) as error:
        settle(text)
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["60,30,90,70", "60,40,95,75", "40,40,80,75"])
def test_boxes_that_can_only_be_corners(text):
    with pytest.raises(BoxError) as error:
        settle(text)
    assert "If these are corners x1,y1,x2,y2, add --box_format xyxy" in str(error.value)
    box, said = settle(text, "xyxy")
    assert said is None and box[0] + box[2] == float(text.split(",")[2])


def test_a_format_that_was_said_is_not_doubted():
    box, said = settle("40,40,80,75", "xywh")
    assert box == (40, 40, 60, 40) and "is cut to" in said


def test_corners_the_wrong_way_round():
    with pytest.raises(BoxError, match="must be positive with x1 < x2 and y1 < y2"):
        settle("50,50,20,20", "xyxy")
