import pytest

from dslt_jax.media import address
from dslt_jax.media.frames import open_frames
from dslt_jax.media.source import FramesError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://host/a.mp4", "http://host/a.mp4"),
        ("rtsp://me:pw@host:554/1", "rtsp://host:554/1"),
        ("https://host/a.m3u8?sig=/x/y@z&t=1#part", "https://host/a.m3u8?..."),
        ("http://host/a;session=3", "http://host/a?..."),
        ("rtsp://host/user=me_password=pw_channel=1.sdp", "rtsp://host/..."),
        ("rtsp://me:p@ss/w?rd@host/x", "rtsp://host/x"),
        ("rtsp://me:pa/ss@host/x", "rtsp://host/x"),
        ("rtsp://me:pa?ss@host/x", "rtsp://host/x"),
        ("http://me:pw@host/x?mail=a@b", "http://host/x?..."),
        ("http://host:8080/@name/a.mp4", "http://host:8080/@name/a.mp4"),
        ("http://me:pw@[::1]:80/x", "http://[::1]:80/x"),
        ("udp://@:1234", "udp://:1234"),
        ("RTSP://ME:PW@HOST/x", "RTSP://HOST/x"),
        ("me:pw@host/x", "host/x"),
        ("rtsp:/me:pw@host/x", "rtsp:/host/x"),
    ],
)
def test_what_is_secret_is_not_shown(text, shown):
    assert address.redact(text) == shown


@pytest.mark.parametrize(
    "text", ["me:s3cret@host/1", "rtsp:/me:s3cret@host/1", "host/a?key=s3cret"]
)
def test_nor_where_the_address_is_misspelt(text):
    with pytest.raises(FramesError) as caught:
        open_frames(text)
    assert "host/" in str(caught.value) and "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["clip.mp4", "C:/clip.mp4", "/a/b://c", "frames/*.png", "0"])
def test_paths_are_no_addresses(text):
    assert not address.is_address(text)
    assert address.file_path(text) is None


def test_a_file_by_its_address(tmp_path):
    assert address.file_path("file:///a/b%20c.mp4") == "/a/b c.mp4"
    assert address.file_path("FILE://localhost/a/") == "/a"
    with pytest.raises(FramesError, match="names a file on the computer 'host'"):
        address.file_path("file://host/a")
