"""After signing in one goes on to a page of ours and nowhere else."""

import pytest

from services.portal.sign_in import return_path, sign_in_path


@pytest.mark.parametrize(
    "path",
    ["/", "/cases", "/cases/0190a-7/withdraw", "/events?from=0&type=a.b,c", "/status?ref=AB%2012", "/log?take=csv&of=returns",
     "/log/chain/0190a-7", "/log/returns/0190a-7"],
)  # fmt: skip
def test_a_path_of_ours_is_gone_on_to(path: str) -> None:
    assert return_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "cases", "//evil.example", "/\\evil.example", "/\\/evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)",
     "/a\r\nSet-Cookie: a=b", "/a b", "/a\t", "/ä", "/a;url=//evil.example", "/'", '/"', "/<b>", "/sign-in", "/sign-in?return_to=/",
     "/signed-in?code=x", "/sign-out", "/signed-out", "/" + "a" * 1000,
     "/grants/%C3%A4/evidence/x"],
)  # fmt: skip
def test_anything_else_is_the_start_page(path: str) -> None:
    assert return_path(path) == "/"
    assert sign_in_path(path) == "/sign-in?return_to=%2F"


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/log/export/returns?format=csv", "/log?format=csv"),
        ("/log/chain/0190a-7/leaves?format=csv", "/log/chain/0190a-7?format=csv"),
        ("/cases/../log/export/returns", "/log"), ("/log/%2e%2E/log/./export/returns", "/log"), ("/log%2Fexport%2freturns", "/log"),
        ("/log/chain/x/%6ceaves", "/log/chain/x"), ("/archive/events/0190a-7/leaf?log=returns", "/archive/events/0190a-7?log=returns"),
        ("/archive/events/0190a-7/tlog-proof", "/archive/events/0190a-7"), ("/integrity/keys", "/integrity"),
        ("/integrity/returns/checkpoint", "/integrity"), ("/integrity/returns/breaks/1", "/integrity"),
        ("/exports/queue/file?status=drafted&format=csv", "/exports/queue?status=drafted&format=csv"),
        ("/payment-batches/0190a-7/file", "/payment-batches/0190a-7"), ("/payment-batches/0190a-7/./file/", "/payment-batches/0190a-7"),
        ("/grants/0190a-7/evidence/0190a-8", "/grants/0190a-7/evidence"), ("/grants/0190a-7/%65vidence/0190a-8", "/grants/0190a-7/evidence"),
        ("/voucher-samples/0190a-7/grants/0190a-8/vouchers/0190a-9", "/voucher-samples/0190a-7/vouchers"),
    ],
)  # fmt: skip
def test_of_a_file_the_page_is_gone_on_to_where_it_is_asked_for(path: str, page: str) -> None:
    assert return_path(path) == page
