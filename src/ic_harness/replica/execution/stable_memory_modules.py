"""Two small Wasm modules beside each canister, so that stable memory is reached without Python in between.

The canister imports the stable functions from `FORWARD`, which only calls through a table. Once the
canister's instance exists, `stable_module` can import its memory, owns the stable memory as a 64-bit memory
of its own, and puts its functions into that table. It also calls closures (callbacks are indices of the
canister's function table).

A page that a message writes first counts for `PAGE_WEIGHT` instructions besides the bytes written. A second memory
has a stamp for each page: the number of the message that wrote it last. The host counts messages, so that nothing
has to be cleared between them.
"""

from __future__ import annotations

from typing import Final

from .metering import EXHAUSTED

PAGE_WEIGHT: Final = 1_000
"""Instructions that a page of 4 KiB counts for when a message writes to it first: the replica's
`dirty_page_overhead`."""
MESSAGE: Final = "message"
"""The export of the module of stable memory with the number of the message, 32 bits, not 0."""
STABLE_MAX_PAGES = 500 << 14
"""500 GiB in pages of 64 KiB."""
_COPY_WEIGHT = 20
"""Instructions that a read or write counts for, besides one for each byte: the replica's `overhead_native`."""
_GROW_WEIGHT = 100
"""Instructions that growing stable memory counts for."""

SLOTS = [
    ("stable64_size", "", "(result i64)"),
    ("stable64_grow", "(param i64)", "(result i64)"),
    ("stable64_write", "(param i64 i64 i64)", ""),
    ("stable64_read", "(param i64 i64 i64)", ""),
    ("stable_size", "", "(result i32)"),
    ("stable_grow", "(param i32)", "(result i32)"),
    ("stable_write", "(param i32 i32 i32)", ""),
    ("stable_read", "(param i32 i32 i32)", ""),
]
"""Name, parameters and result of each stable memory function, in table order."""


def _forwarder(slot: int, name: str, params: str, result: str) -> str:
    count = len(params.strip("()").split()) - 1 if params else 0
    arguments = " ".join(f"(local.get {index})" for index in range(count))
    return (
        f'(func (export "{name}") {params} {result}\n'
        f"    (call_indirect {params} {result} {arguments} (i32.const {slot})))"
    )


FORWARD = '(module $ic-harness\n  (table (export "slots") {count} funcref)\n  {functions})'.format(
    count=len(SLOTS), functions="\n  ".join(_forwarder(slot, *row) for slot, row in enumerate(SLOTS))
)


def stable_module(*, heap_64: bool, table_64: bool) -> str:
    """The text of the module that owns the stable memory, for a canister with these index types."""
    heap = "i64" if heap_64 else "i32"
    return _STABLE.format(
        heap_index="i64" if heap_64 else "",
        table_index="i64" if table_64 else "",
        heap=heap,
        maximum=STABLE_MAX_PAGES,
        exhausted=EXHAUSTED,
        copy_weight=_COPY_WEIGHT,
        grow_weight=_GROW_WEIGHT,
        page_weight=PAGE_WEIGHT,
        message=MESSAGE,
        address=_convert("i32.wrap_i64", "(local.get $address)", needed=not heap_64),
        count=_convert("i32.wrap_i64", "(local.get $count)", needed=not heap_64),
        heap_pages=_convert("i64.extend_i32_u", "(memory.size $heap)", needed=not heap_64),
        index=_convert("i64.extend_i32_u", "(local.get $index)", needed=table_64),
        too_wide="(i32.const 0)" if heap_64 else _TOO_WIDE,
        names=" ".join(f"${name}" for name, _, _ in SLOTS),
    )


def _convert(instruction: str, value: str, *, needed: bool) -> str:
    return f"({instruction} {value})" if needed else value


_TOO_WIDE = (
    "(i64.ne (i64.const 0) (i64.shr_u (i64.or (local.get $address) (local.get $count)) (i64.const 32)))"
)

_STABLE = """(module $ic-harness
  (import "canister" "memory" (memory $heap {heap_index} 0))
  (import "canister" "table" (table $closures {table_index} 0 funcref))
  (import "canister" "counter" (global $counter (mut i64)))
  (import "canister" "grant" (func $grant (param i64) (result i64)))
  (import "forward" "slots" (table $slots 8 funcref))
  (import "host" "stable_out_of_bounds" (func $stable_out_of_bounds))
  (import "host" "heap_out_of_bounds" (func $heap_out_of_bounds))
  (import "host" "stable_above_4_gib" (func $stable_above_4_gib))
  (memory $stable (export "stable") i64 0 {maximum})
  (memory $stamps i64 0)
  (global $message (export "{message}") (mut i32) (i32.const 1))
  (type $closure (func (param {heap})))

  (func (export "call") (param $index i32) (param $environment {heap})
    (call_indirect $closures (type $closure)
      (local.get $environment) {index}))
  (func (export "heap_size") (result i64)
    (i64.shl {heap_pages} (i64.const 16)))
  (func (export "stable_bytes") (result i64)
    (i64.shl (memory.size $stable) (i64.const 16)))

  (func $charge (param $weight i64)
    (local $left i64)
    (local.set $left (i64.sub (global.get $counter) (local.get $weight)))
    (if (i64.gt_s (local.get $left) (global.get $counter))
      (then (local.set $left (i64.const {exhausted}))))
    (global.set $counter (local.get $left))
    (if (i64.lt_s (local.get $left) (i64.const 0))
      (then (drop (call $grant (local.get $left))))))
  (func $charge_copy (param $count i64)
    (call $charge (local.get $count))
    (call $charge (i64.const {copy_weight})))

  (func $make_stamps (param $pages i64)
    (local $wanted i64)
    (local.set $wanted (i64.add (i64.shr_u (local.get $pages) (i64.const 14)) (i64.const 1)))
    (if (i64.gt_u (local.get $wanted) (memory.size $stamps))
      (then
        (if (i64.eq (i64.const -1) (memory.grow $stamps (i64.sub (local.get $wanted) (memory.size $stamps))))
          (then (unreachable))))))
  (func $charge_pages (param $offset i64) (param $count i64)
    (local $page i64) (local $end i64) (local $fresh i64)
    (if (i64.eqz (local.get $count)) (then (return)))
    (local.set $page (i64.shr_u (local.get $offset) (i64.const 12)))
    (local.set $end (i64.add (i64.const 1)
      (i64.shr_u (i64.sub (i64.add (local.get $offset) (local.get $count)) (i64.const 1)) (i64.const 12))))
    (call $make_stamps (local.get $end))
    (loop $next
      (if (i32.ne (global.get $message) (i32.load $stamps (i64.shl (local.get $page) (i64.const 2))))
        (then
          (i32.store $stamps (i64.shl (local.get $page) (i64.const 2)) (global.get $message))
          (local.set $fresh (i64.add (local.get $fresh) (i64.const 1)))))
      (local.set $page (i64.add (local.get $page) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $page) (local.get $end))))
    (call $charge (i64.mul (local.get $fresh) (i64.const {page_weight}))))

  (func $check (param $offset i64) (param $address i64) (param $count i64)
    (local $bytes i64)
    (local.set $bytes (i64.shl (memory.size $stable) (i64.const 16)))
    (if (i64.gt_u (local.get $count) (local.get $bytes)) (then (call $stable_out_of_bounds)))
    (if (i64.gt_u (local.get $offset) (i64.sub (local.get $bytes) (local.get $count)))
      (then (call $stable_out_of_bounds)))
    (if {too_wide} (then (call $heap_out_of_bounds))))

  (func $stable64_size (result i64) (memory.size $stable))
  (func $stable64_grow (param $pages i64) (result i64)
    (call $charge (i64.const {grow_weight}))
    (memory.grow $stable (local.get $pages)))
  (func $stable64_write (param $offset i64) (param $address i64) (param $count i64)
    (call $charge_copy (local.get $count))
    (call $check (local.get $offset) (local.get $address) (local.get $count))
    (call $charge_pages (local.get $offset) (local.get $count))
    (memory.copy $stable $heap
      (local.get $offset) {address} {count}))
  (func $stable64_read (param $address i64) (param $offset i64) (param $count i64)
    (call $charge_copy (local.get $count))
    (call $check (local.get $offset) (local.get $address) (local.get $count))
    (memory.copy $heap $stable
      {address} (local.get $offset) {count}))

  (func $check_4_gib
    (if (i64.gt_u (memory.size $stable) (i64.const 65536)) (then (call $stable_above_4_gib))))
  (func $stable_size (result i32)
    (call $check_4_gib)
    (i32.wrap_i64 (memory.size $stable)))
  (func $stable_grow (param $pages i32) (result i32)
    (call $check_4_gib)
    (if (i64.gt_u (i64.add (memory.size $stable) (i64.extend_i32_u (local.get $pages))) (i64.const 65536))
      (then (call $charge (i64.const {grow_weight})) (return (i32.const -1))))
    (i32.wrap_i64 (call $stable64_grow (i64.extend_i32_u (local.get $pages)))))
  (func $stable_write (param $offset i32) (param $address i32) (param $count i32)
    (call $check_4_gib)
    (call $stable64_write (i64.extend_i32_u (local.get $offset))
      (i64.extend_i32_u (local.get $address)) (i64.extend_i32_u (local.get $count))))
  (func $stable_read (param $address i32) (param $offset i32) (param $count i32)
    (call $check_4_gib)
    (call $stable64_read (i64.extend_i32_u (local.get $address))
      (i64.extend_i32_u (local.get $offset)) (i64.extend_i32_u (local.get $count))))

  (elem (table $slots) (i32.const 0) func {names}))
"""
