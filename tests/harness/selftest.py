#!/usr/bin/env python3
"""Proves that the strict reader is strict: what it lets pass, no suite can find."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import http1  # noqa: E402

REQUEST = b"POST /x HTTP/1.1\r\nHost: a\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\n"


class StrictReader(unittest.TestCase):
    def test_good_messages_are_taken_and_the_rest_stays(self):
        rows = [
            (REQUEST + b"\r\n", True, b""),
            (REQUEST + b"Content-Length: 5\r\n\r\nhello", True, b"hello"),
            (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", True, b"hello"),
            (RESPONSE + b"Content-Length: 0\r\n\r\n", False, b""),
        ]
        for raw, is_request, body in rows:
            with self.subTest(raw):
                message, rest = http1.take(raw + b"next", is_request)
                self.assertEqual((message.body, message.raw, rest), (body, raw, b"next"))

    def test_unfinished_messages_are_not_taken(self):
        raw = REQUEST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        for end in range(len(raw)):
            self.assertIsNone(http1.take(raw[:end], True), raw[:end])
        self.assertIsNone(http1.take(RESPONSE + b"\r\nbody", False))
        self.assertIsNotNone(http1.take(RESPONSE + b"\r\nbody", False, eof=True))

    def test_bad_messages_are_refused(self):
        rows = [
            (b"get /x HTTP/1.1\r\nHost: a\r\n\r\n", True), (b"GET  /x HTTP/1.1\r\nHost: a\r\n\r\n", True),
            (b"GET /x y HTTP/1.1\r\nHost: a\r\n\r\n", True), (b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n", True),
            (b"GET /x HTTP/1.1\r\n\r\n", True), (REQUEST + b"Host: a\r\n\r\n", True),
            (REQUEST + b"X_Org_Id: a\r\n\r\n", True), (REQUEST + b"X.Y: a\r\n\r\n", True),
            (REQUEST + b"X : a\r\n\r\n", True), (REQUEST + b"X\r\n\r\n", True), (REQUEST + b" fold\r\n\r\n", True),
            (REQUEST + b"X: a\rb\r\n\r\n", True), (REQUEST + b"X: a\nb\r\n\r\n", True), (REQUEST + b"X: a\0b\r\n\r\n", True),
            (REQUEST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", True),
            (REQUEST + b"Content-Length: 05\r\n\r\nhello", True), (REQUEST + b"Content-Length: +5\r\n\r\nhello", True),
            (REQUEST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
            (REQUEST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", True),
            (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n", True),
            (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX", True),
            (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: trailer\r\n\r\n", True),
            (b"HTTP/1.1 099 X\r\n\r\n", False), (b"HTTP/2 200 OK\r\n\r\n", False), (b"HTTP/1.1 200\r\n\r\n", False),
            (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", False),
        ]
        for raw, is_request in rows:
            with self.subTest(raw), self.assertRaises(http1.Broken):
                http1.take(raw, is_request)


if __name__ == "__main__":
    unittest.main()
