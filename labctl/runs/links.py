"""Which runs of an index go on with which."""

from __future__ import annotations

import sqlite3


def linked(connection: sqlite3.Connection, uid: str) -> dict[str, str]:
    """Return uid and path of the runs of a chain in their order."""
    links = connection.execute(
        "SELECT uid, path, continues FROM runs WHERE listed"
        " AND (continues <> '' OR uid = ? OR uid IN (SELECT continues FROM runs)) ORDER BY began, uid",
        (uid,),
    ).fetchall()
    paths = {link: path for link, path, _ in links}
    before = {link: continues for link, _, continues in links if continues in paths}
    head, passed = uid, {uid}
    while head in before and before[head] not in passed:
        head = before[head]
        passed.add(head)
    uids = [head]
    for each in uids:
        uids += [link for link, _, continues in links if continues == each and link not in uids]
    return {each: paths[each] for each in uids if each in paths}
