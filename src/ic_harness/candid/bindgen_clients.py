"""The two clients of a generated module, and the function that encodes the arguments of installation."""

from __future__ import annotations

from collections.abc import Sequence

from ic_harness.candid.annotations import annotation, buffers
from ic_harness.candid.bindgen_classes import unshadowed
from ic_harness.candid.bindgen_names import method_names, parameters
from ic_harness.candid.bindgen_plan import Plan
from ic_harness.candid.bindgen_text import bare, call, class_text, docstring, quote, signature
from ic_harness.candid.service import Method
from ic_harness.candid.types import EMPTY, NULL, Type, Variant, nullable, resolve


class Clients:
    """Prints the clients of a plan; `classes` are the names of all classes and aliases of the module."""

    def __init__(self, plan: Plan, source_name: str, classes: Sequence[str]) -> None:
        self.plan = plan
        self.source_name = source_name
        self.names = method_names([method.name for method in plan.methods], classes)

    def init_function(self) -> str:
        """Return the function that encodes the arguments of installation."""
        found = self.parameters(self.plan.init_args or (), self.plan.init_names)
        head = signature("def encode_init", [f"{name}: {text}" for name, text in found], "bytes", "")
        invocation = call("return INTERFACE.encode_init", [bare(name) for name, _ in found], "    ")
        doc = "\n".join(docstring("The arguments of installation, as Candid bytes.", "    "))
        return f"{head}\n{doc}\n{invocation}"

    def client(self, name: str, *, is_async: bool) -> str:
        """Return a client with the class name `name`."""
        base = "rt.AsyncClient" if is_async else "rt.Client"
        doc = self.plan.doc or f"The methods of {self.source_name}."
        methods = [
            self.method(method, method_name, is_async=is_async)
            for method, method_name in zip(self.plan.methods, self.names, strict=True)
        ]
        head = f"class {name}({base}):"
        return class_text(head, doc, ["    interface = INTERFACE", "", "\n\n".join(methods)])

    def method(self, method: Method, name: str, *, is_async: bool) -> str:
        """Return the source of one method."""
        members = set(self.names)
        found = [
            (parameter, unshadowed(text, members))
            for parameter, text in self.parameters(method.arg_types, method.func.arg_names)
        ]
        head = signature(
            f"    {'async ' if is_async else ''}def {name}",
            ["self", *(f"{parameter}: {text}" for parameter, text in found)],
            unshadowed(self.returned(method.return_types), members),
            "    ",
        )
        reply = "_query" if method.mode in ("query", "composite_query") else "_update"
        returns = "" if self.returned(method.return_types) == "None" else "return "
        invocation = f"{returns}{'await ' if is_async else ''}self.{reply}"
        arguments = [quote(method.name), *(bare(parameter) for parameter, _ in found)]
        doc = "\n".join(docstring(method.doc or f"`{method}`.", "        "))
        return f"{head}\n{doc}\n{call(invocation, arguments, '        ')}"

    def returned(self, types: tuple[Type, ...]) -> str:
        """Return the annotation of a method's result.

        A method whose result has no values never returns, but a function annotated so may not have a `return`.
        """
        results = [annotation(t, self.plan.python_names) for t in types]
        if len(results) != 1:
            return f"tuple[{', '.join(results)}]" if results else "None"
        if resolve(types[0]) is NULL:
            return "None"
        return "object" if _is_never(types[0]) else results[0]

    def parameters(self, types: tuple[Type, ...], names: tuple[str | None, ...]) -> list[tuple[str, str]]:
        """Return the parameters: name, and annotation with a default where it is optional."""
        wanted = [names[index] if index < len(names) else None for index in range(len(types))]
        found: list[tuple[str, str]] = []
        for index, (name, type_) in enumerate(zip(parameters(wanted), types, strict=True)):
            default = " = None" if all(nullable(rest) for rest in types[index:]) else ""
            found.append((name, buffers(annotation(type_, self.plan.python_names)) + default))
        return found


def _is_never(type_: Type) -> bool:
    actual = resolve(type_)
    return actual is EMPTY or (isinstance(actual, Variant) and not actual.fields)
