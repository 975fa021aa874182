"""Random programs, and an interpreter that counts their instructions: what metered code is compared with.

A program is a list of functions; each is a list of instructions in the text format, which ends with its `end`. A
function has one parameter, the local variable 0, and calls only functions before it. Local variable 1 counts rounds of
loops. The interpreter charges by the rules alone: a block of instructions where it begins, copies by their size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

Instruction = tuple[str, int]

MASK = 0xFFFF_FFFF
MEMORY = 1 << 16
_WEIGHTS = {
    "block": 0, "loop": 0, "else": 0, "end": 0, "if": 2, "br": 2, "br_if": 2, "call": 5,
    "global.get": 2, "global.set": 2, "i32.div_u": 10, "memory.fill": 100,
}  # fmt: skip
_ENDING = {"loop", "if", "else", "end", "br", "br_if", "return", "unreachable"}


class Trap(Exception):  # noqa: N818  a trap is what the specification calls it
    """The program stopped."""


class _Writer:
    """Makes one function."""

    def __init__(self, random: Random, callees: int) -> None:
        self.random = random
        self.callees = callees
        self.code: list[Instruction] = []

    def put(self, *instructions: str | Instruction) -> None:
        """Append instructions."""
        self.code += [item if isinstance(item, tuple) else (item, 0) for item in instructions]

    def statements(self, depth: int) -> None:
        """Append up to six statements, at this depth of nesting."""
        for _ in range(self.random.randrange(1, 7)):
            kinds = [self.arithmetic, self.load, self.fill, self.variable, self.leave]
            if self.callees:
                kinds.append(self.call)
            if depth < 4:
                kinds += (
                    [self.block, self.choice] if depth else [self.block, self.choice, self.loop, self.loop]
                )
            self.random.choice(kinds)(depth)

    def arithmetic(self, _depth: int) -> None:
        """Change the parameter; rarely by a division by zero."""
        number = self.random.randrange(1, 100)
        if self.random.random() < 0.3:
            divisor: list[str | Instruction] = [("local.get", 0), ("i32.const", 7), "i32.and"]
            self.put(("i32.const", number), *divisor, "i32.div_u", "drop")
        self.put(
            ("local.get", 0), ("i32.const", number), self.random.choice(["i32.add", "i32.mul", "i32.xor"])
        )
        self.put(("local.set", 0))

    def load(self, _depth: int) -> None:
        """Read memory, rarely out of bounds."""
        mask = MEMORY * 2 - 1 if self.random.random() < 0.2 else MEMORY // 2 - 1
        self.put(("local.get", 0), ("i32.const", mask), "i32.and", "i32.load", "drop")

    def fill(self, _depth: int) -> None:
        """Fill memory, by a constant or by a variable."""
        self.put(("i32.const", 8), ("i32.const", 0))
        if self.random.random() < 0.5:
            self.put(("i32.const", self.random.choice([0, 32, 1024, 1025, 5000])))
        else:
            self.put(("local.get", 0), ("i32.const", 4095), "i32.and")
        self.put("memory.fill")

    def variable(self, _depth: int) -> None:
        """Change the global variable."""
        self.put(("global.get", 0), ("local.get", 0), "i32.add", ("global.set", 0))

    def leave(self, depth: int) -> None:
        """Leave some blocks, or the function, when the parameter has a bit."""
        self.put(("local.get", 0), ("i32.const", 1 << self.random.randrange(4)), "i32.and")
        kind = self.random.randrange(8)
        if kind == 0:
            self.put("if", "return", "end")
        elif kind == 1:
            self.put("if", ("i32.const", 1), "drop", ("br", self.random.randrange(depth + 1) + 1), "end")
        elif kind == 2:
            self.put(
                "i32.eqz",
                "if",
                ("i32.const", 9),
                "drop",
                "else",
                ("br", self.random.randrange(depth + 1) + 1),
            )
            self.put("end")
        elif kind == 3 and self.random.random() < 0.5:
            self.put("if", "unreachable", "end")
        else:
            self.put(("br_if", self.random.randrange(depth + 1)))

    def call(self, _depth: int) -> None:
        """Call a function before this one."""
        self.put(("local.get", 0), ("call", self.random.randrange(self.callees)))

    def block(self, depth: int) -> None:
        """Nest statements in a block."""
        self.put("block")
        self.statements(depth + 1)
        self.put("end")

    def choice(self, depth: int) -> None:
        """Nest statements in an if, perhaps with an else."""
        self.put(("local.get", 0), ("i32.const", 1 << self.random.randrange(4)), "i32.and", "if")
        self.statements(depth + 1)
        if self.random.random() < 0.5:
            self.put("else")
            self.statements(depth + 1)
        self.put("end")

    def loop(self, depth: int) -> None:
        """Nest statements in a loop of some rounds, inside of a block; loops are not nested in one function."""
        self.put(("i32.const", self.random.randrange(1, 6)), ("local.set", 1), "block", "loop")
        self.put(("local.get", 1), "i32.eqz", ("br_if", 1))
        self.put(("local.get", 1), ("i32.const", 1), "i32.sub", ("local.set", 1))
        self.statements(depth + 2)
        self.put(("br", 0), "end", "end")


def random_program(seed: int) -> list[list[Instruction]]:
    """Return the functions of a program; the last one is where it begins."""
    random = Random(seed)
    program = []
    for index in range(random.randrange(1, 5)):
        writer = _Writer(random, index)
        writer.statements(0)
        writer.put("end")
        program.append(writer.code)
    return program


def text_of(program: list[list[Instruction]], imports: int) -> str:
    """The program as functions of the text format, behind so many imported ones."""
    texts = []
    for code in program:
        lines = [_line(name, value + imports if name == "call" else value) for name, value in code[:-1]]
        texts.append(f"(func (param i32) (local i32) {' '.join(lines)})")
    return "\n".join(texts)


def _line(name: str, value: int) -> str:
    with_value = name.startswith(("br", "local.", "global.")) or name in {"call", "i32.const"}
    return f"{name} {value}" if with_value else name


@dataclass
class Interpreter:
    """Runs a program and counts; raises `Trap`."""

    program: list[list[Instruction]]
    count: int = 0
    variable: int = 0
    stack: list[int] = field(default_factory=list)

    def call(self, index: int, parameter: int) -> None:
        """Run a function."""
        code = self.program[index]
        charges, ends = _charges(code), _ends(code)
        variables = [parameter, 0]
        labels: list[int] = []
        place = 0
        while place < len(code):
            self.count += charges.get(place, 0)
            name, value = code[place]
            if name in {"block", "loop", "if"}:
                labels.append(place)
                if name == "if" and not self.stack.pop():
                    place = ends[place][0]
            elif name == "else":
                labels.pop()
                place = ends[place][0]
            elif name == "end":
                del labels[-1:]
            elif name in {"br", "br_if"}:
                if name == "br" or self.stack.pop():
                    place = _branch(code, ends, labels, value)
            elif name == "return":
                return
            else:
                self._plain(name, value, variables)
            place += 1

    def _plain(self, name: str, value: int, variables: list[int]) -> None:
        stack = self.stack
        if name == "call":
            self.call(value, stack.pop())
        elif name == "local.set":
            variables[value] = stack.pop()
        elif name == "global.set":
            self.variable = stack.pop()
        elif name == "memory.fill":
            self.count += stack.pop()
            del stack[-2:]
        elif name == "drop":
            stack.pop()
        elif name == "unreachable" or (name == "i32.load" and stack.pop() > MEMORY - 4):
            raise Trap
        else:
            stack.append(self._value(name, value, variables))

    def _value(self, name: str, value: int, variables: list[int]) -> int:
        if name in {"i32.const", "i32.load"}:
            return value
        if name == "local.get":
            return variables[value]
        if name == "global.get":
            return self.variable
        if name == "i32.eqz":
            return int(not self.stack.pop())
        return _operate(name, self.stack.pop(), self.stack.pop())


def _operate(name: str, right: int, left: int) -> int:
    if name == "i32.div_u":
        if not right:
            raise Trap
        return left // right
    results = {
        "add": left + right,
        "sub": left - right,
        "mul": left * right,
        "xor": left ^ right,
        "and": left & right,
    }
    return results[name.removeprefix("i32.")] & MASK


def _branch(code: list[Instruction], ends: dict[int, tuple[int, int]], labels: list[int], depth: int) -> int:
    """Where to go on, less one; beyond the code when the branch leaves the function."""
    if depth == len(labels):
        return len(code)
    target = labels[len(labels) - 1 - depth]
    loop = code[target][0] == "loop"
    del labels[len(labels) - depth - (0 if loop else 1) :]
    return target if loop else ends[target][1]


def _charges(code: list[Instruction]) -> dict[int, int]:
    charges, start = {0: 1}, 0
    for place, (name, _) in enumerate(code):
        charges[start] = charges.get(start, 0) + _WEIGHTS.get(name, 1)
        if name in _ENDING:
            start = place + 1
    return charges


def _ends(code: list[Instruction]) -> dict[int, tuple[int, int]]:
    """Of each block, loop, if and else: where a false condition (or the end of `then`) leads, and the end."""
    ends: dict[int, tuple[int, int]] = {}
    opened: list[list[int]] = []
    for place, (name, _) in enumerate(code):
        if name in {"block", "loop", "if"}:
            opened.append([place])
        elif name == "else":
            opened[-1].append(place)
        elif name == "end" and opened:
            first, *others = opened.pop()
            ends[first] = (others[0] if others else place - 1, place)
            for other in others:
                ends[other] = (place, place)
    return ends
