"""The part of dqlite's wire protocol that the test needs, which has no public client in Debian.

    greeting     u64 version (1), from the client, once
    message      u32 body in words of 8 bytes | u8 type | u8 0 | u16 0 | body
    text         bytes, a NUL, padded to a word
    parameters   u8 n | n types, padded to a word | the values
    rows         u64 columns | a text for each name | rows | u64 end
    row          a type in 4 bits a column, padded to a word | the values

All numbers are little-endian; a blob is a u64 length and its bytes, padded. A result that is too long for one message
ends with 0xEE.. in place of 0xFF.., and the next message begins with the names again.
"""
import socket
import struct

PATIENCE = 30  # seconds, for an answer
VERSION, VOTER, WORD = 1, 0, 8
LEADER, CLIENT, OPEN, PREPARE, EXEC, EXEC_SQL, QUERY_SQL, ADD, ASSIGN, TRANSFER = 0, 1, 3, 4, 5, 8, 9, 12, 13, 17
FAILURE, SERVER, WELCOME, DATABASE, STATEMENT, RESULT, ROWS, EMPTY = 0, 1, 2, 4, 5, 6, 7, 8
FLOAT, TEXT, BLOB, NULL = 2, 3, 4, 5
PART, DONE = 0xEEEEEEEEEEEEEEEE, 0xFFFFFFFFFFFFFFFF
NUMBER = struct.Struct("<Q")


class Refused(Exception):
    """The node answered with an error, or with what the protocol does not have here."""


def padded(data):
    return data + bytes(-len(data) % WORD)


def number(value):
    return NUMBER.pack(value)


def text(value):
    return padded(value.encode() + b"\0")


class Answer:
    """A message's body, which is taken from its beginning."""

    def __init__(self, body):
        self.body, self.at = body, 0

    def number(self):
        value, = NUMBER.unpack_from(self.body, self.at)
        self.at += WORD
        return value

    def text(self):
        end = self.body.index(0, self.at)
        value = self.body[self.at:end].decode()
        self.at = end // WORD * WORD + WORD
        return value

    def value(self, kind):
        if kind == TEXT:
            return self.text()
        bits = self.number()
        if kind == BLOB:
            begin, self.at = self.at, self.at + (bits + WORD - 1) // WORD * WORD
            return bytes(self.body[begin:begin + bits])
        return None if kind == NULL else struct.unpack("<d" if kind == FLOAT else "<q", number(bits))[0]


class Wire:
    """A connection; one that failed by anything but Refused is of no more use."""

    def __init__(self, address):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(number(VERSION))
        self.ask(CLIENT, number(0), WELCOME)

    def close(self):
        self.socket.close()

    def send(self, kind, body):
        self.socket.sendall(struct.pack("<IBBH", len(body) // WORD, kind, 0, 0) + body)

    def receive_all(self, size):
        data = bytearray(size)
        view = memoryview(data)
        while view:
            got = self.socket.recv_into(view)
            if not got:
                raise ConnectionError("the node has closed the connection")
            view = view[got:]
        return data

    def receive(self, expected):
        words, kind, _, _ = struct.unpack("<IBBH", self.receive_all(WORD))
        answer = Answer(self.receive_all(words * WORD))
        if kind == FAILURE:
            code = answer.number()
            raise Refused(f"{answer.text()} ({code})")
        if kind != expected:
            raise Refused(f"an answer of type {kind} instead of {expected}")
        return answer

    def ask(self, kind, body, expected):
        self.send(kind, body)
        return self.receive(expected)

    def leader(self):
        """Of any node: the leader's id, 0 if it knows of none."""
        return self.ask(LEADER, number(0), SERVER).number()

    def add(self, node, address):
        self.ask(ADD, number(node) + text(address), EMPTY)

    def assign(self, node, role):
        self.ask(ASSIGN, number(node) + number(role), EMPTY)

    def transfer(self, node):
        self.ask(TRANSFER, number(node), EMPTY)

    def open(self, database):
        self.ask(OPEN, text(database) + number(0) + text(""), DATABASE)

    def prepare(self, sql):
        return self.ask(PREPARE, number(0) + text(sql), STATEMENT).number() >> 32

    def execute(self, statement, texts):
        kinds = padded(bytes([len(texts)] + [TEXT] * len(texts)))
        self.ask(EXEC, number(statement << 32) + kinds + b"".join(map(text, texts)), RESULT)

    def send_sql(self, sql):
        """run() without waiting for the answer: for who kills the node meanwhile."""
        self.send(EXEC_SQL, number(0) + text(sql))

    def run(self, sql):
        self.send_sql(sql)
        self.receive(RESULT)

    def query(self, sql):
        self.send(QUERY_SQL, number(0) + text(sql))
        rows = []
        while not self.take_rows(rows):
            pass
        return rows

    def take_rows(self, rows):
        """One message of a result; is it the last one?"""
        answer = self.receive(ROWS)
        columns = answer.number()
        if columns > 16:
            raise Refused(f"{columns} columns")
        for _ in range(columns):
            answer.text()
        while (kinds := answer.number()) not in (PART, DONE):
            rows.append([answer.value(kinds >> 4 * i & 15) for i in range(columns)])
        return kinds == DONE
