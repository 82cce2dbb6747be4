"""Third-party readers of the logs: the official collector's parsing and checkpoints, and the loop of a connector that keeps
its own position."""

import datetime
import time
import unittest

from sandbox import admin

FORM = "%Y-%m-%dT%H:%M:%S.%f+00:00"
DAY = 86_400_000


def now():
    return int(time.time() * 1000)


def milliseconds(text):
    """The collector only reads this format, and fails on any other."""
    at = datetime.datetime.strptime(text, FORM).replace(tzinfo=datetime.timezone.utc)
    return at.timestamp() * 1000


class Collector:
    """One log as the official collector reads it: by pages, and after a restart from a checkpoint."""

    def __init__(self, kind, checkpoint=None):
        self.admin, self.kind, self.records = admin(), kind, []
        self.begin = now() - 100 * DAY
        self.offset = None
        if kind == "authentication":
            self.offset = checkpoint
        elif checkpoint:
            # The collector drops the id, and continues from the time.
            self.begin = int(checkpoint.split(",")[0])

    def page(self):
        if self.kind == "authentication":
            return self.admin.get_authentication_log(
                api_version=2, mintime=self.begin, next_offset=self.offset, sort="ts:asc", limit="7"
            )
        params = {
            "mintime": [str(self.begin)],
            "maxtime": [str(now() - 120)],
            "limit": ["7"],
            "sort": ["ts:asc"],
        }
        if self.offset is not None:
            params["next_offset"] = [str(self.offset)]
        return self.admin.json_api_call("GET", f"/admin/v2/logs/{self.kind}", params)

    def poll(self):
        """Runs one round. Returns the number of records."""
        page = self.page()
        rows = page["authlogs" if self.kind == "authentication" else "items"]
        following = (page.get("metadata") or {}).get("next_offset")
        if rows and following is not None:
            self.offset = following
        self.records += rows
        return len(rows)

    def drain(self):
        """Reads to the end of the log: the collector itself polls forever, and rereads the last page."""
        while self.poll() == 7:
            pass
        return self.records

    def checkpoint(self):
        last = self.records[-1]
        if self.kind == "authentication":
            return [str(int(milliseconds(last["isotimestamp"]))), last["txid"]]
        name = "activity_id" if self.kind == "activity" else "telephony_id"
        return f"{int(milliseconds(last['ts'])) + 1},{last[name]}"


class Logs(unittest.TestCase):
    def test_the_official_collector_reads_every_record_once(self):
        for kind, name, least in (
            ("authentication", "txid", 90),
            ("activity", "activity_id", 8),
            ("telephony", "telephony_id", 4),
        ):
            records = Collector(kind).drain()
            ids = [record[name] for record in records]
            self.assertGreaterEqual(len(ids), least, kind)
            self.assertEqual(len(set(ids)), len(ids), kind)
            times = [milliseconds(record.get("isotimestamp") or record["ts"]) for record in records]
            self.assertEqual(times, sorted(times), kind)

    def test_the_official_collector_goes_on_from_its_checkpoint(self):
        for kind in ("authentication", "activity", "telephony"):
            whole = Collector(kind).drain()
            first = Collector(kind)
            first.poll()
            rest = Collector(kind, first.checkpoint()).drain()
            self.assertEqual(first.records + rest, whole, kind)

    def test_a_connector_composes_its_cursor(self):
        # Signed with version 2, as older connectors do.
        client = admin(sig_version=2)
        begin, end = now() - 100 * DAY, now() + DAY
        for kind, key, name in (
            ("authentication", "authlogs", "txid"),
            ("activity", "items", "activity_id"),
            ("telephony", "items", "telephony_id"),
        ):
            seen, cursor = [], None
            while True:
                params = {"mintime": str(begin), "maxtime": str(end), "limit": "5", "sort": "ts:asc"}
                if cursor:
                    params["next_offset"] = cursor
                rows = client.json_api_call("GET", f"/admin/v2/logs/{kind}", params)[key]
                if not rows:
                    break
                seen += [row[name] for row in rows]
                last = rows[-1]
                cursor = f"{int(milliseconds(last.get('isotimestamp') or last['ts']))},{last[name]}"
            self.assertEqual(len(set(seen)), len(seen), kind)
            self.assertGreaterEqual(len(seen), 4, kind)

    def test_a_connector_follows_cursors_in_windows_of_time(self):
        client = admin()
        seen, end = set(), now()
        for day in range(5):
            until = end - day * DAY
            cursor = None
            while True:
                page = client.get_authentication_log(
                    api_version=2,
                    mintime=until - DAY,
                    maxtime=until - 1,
                    limit="10",
                    sort="ts:desc",
                    next_offset=",".join(cursor) if cursor else None,
                )
                ids = {row["txid"] for row in page["authlogs"]}
                self.assertFalse(seen & ids)
                seen |= ids
                cursor = page["metadata"]["next_offset"]
                if not cursor or not ids:
                    break
        self.assertGreaterEqual(len(seen), 90)

    def test_an_action_is_named_in_both_forms(self):
        rows = admin().get_activity_logs(limit=1000)["items"]
        names = {row["action"] if isinstance(row["action"], str) else row["action"]["name"] for row in rows}
        self.assertIn("integration_create", names)
