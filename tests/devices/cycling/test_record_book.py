"""Records keep their numbers until they are acknowledged."""

import pytest

from devices.cycling.cycler import ElementBegan
from devices.cycling.record_book import RecordBook
from devices.errors import InstrumentError


@pytest.fixture
def book():
    book = RecordBook("emstat")
    book.add(ElementBegan(str(number)) for number in range(1, 6))
    return book


def names(page):
    return [each.name for each in page.records]


def test_a_page_has_the_records_asked_for_and_says_what_comes_next(book):
    page = book.page(2, 3)
    assert (page.first, names(page), page.next) == (2, ["2", "3", "4"], 6)
    assert book.page(2, 3) == page
    assert names(book.page(6, 10)) == []


def test_records_before_the_one_acknowledged_are_gone(book):
    book.acknowledge(4)
    assert (book.first, book.next) == (4, 6)
    assert names(book.page(4, 10)) == ["4", "5"]
    with pytest.raises(InstrumentError, match="record 3 was asked for, the oldest left is 4"):
        book.acknowledge(3)


def test_whoever_acknowledges_more_than_there_is_waits_for_it(book):
    book.acknowledge(8)
    assert (book.first, book.next) == (6, 6)
    assert names(book.page(8, 10)) == []


def test_rows_are_numbered_on(book):
    book.rows = 41
    assert [book.next_row(), book.next_row(), book.rows] == [42, 43, 43]
