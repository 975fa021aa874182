"""Shapes of interfaces: short texts of our own, each with one construction that interfaces of real canisters have.

Found by reading some 270 `.did` files of public repositories (ledgers, indexes, governance, identity, assets, chat,
Motoko's and Candid's own tests), and by looking for names and nestings that a Python module could get wrong.
"""
# ruff: noqa: E501 - one shape a line can be compared with its neighbours

from __future__ import annotations

from typing import Final

# Definitions: what refers to what, and in which order.
ORDER: Final = {
    "union_below_a_later_map": """
        type Datum = variant { Num : nat; Many : vec Datum; Table : Table };
        type Table = vec record { text; Datum };
        service : { read : (nat) -> (Table) query; write : (Datum) -> () }""",
    "map_before_its_union": """
        type Table = vec record { text; Datum };
        type Datum = variant { Num : nat; Table : Table };
        service : { read : () -> (Table, Datum) query }""",
    "page_of_recursive_blocks": """
        type Page = record { blocks : vec record { id : nat; block : Block }; more : vec Source };
        type Source = record { from : nat; callback : func (nat) -> (Page) query };
        type Block = Datum;
        type Datum = variant { Blob : blob; Map : vec record { text; Datum } };
        service : { blocks : (vec nat) -> (Page) query }""",
    "alias_of_a_later_alias": "type A = B; type B = vec C; type C = opt nat; service : { f : (A) -> (B, C) }",
    "alias_of_a_record": "type A = B; type B = record { n : nat }; service : { f : (A) -> (opt B) }",
    "alias_of_an_enumeration": "type A = B; type B = variant { x; y }; service : { f : (A) -> (vec A) }",
    "alias_of_a_result": "type A = B; type B = variant { Ok : A2; Err }; type A2 = vec A; service : { f : () -> (A) }",
    "list_of_itself": "type List = opt record { nat; List }; service : { f : (List) -> (List) }",
    "named_list": "type List = opt record { head : nat; tail : List }; service : { f : (List) -> (List) }",
    "vector_of_itself": "type V = vec V; service : { f : (V) -> (V) }",
    "option_and_vector_in_a_circle": "type A = opt B; type B = vec A; service : { f : (A) -> (B) }",
    "tuple_through_option": "type T = record { nat; opt T }; service : { f : (T) -> (opt T) }",
    "circle_of_three_aliases": """
        type A = vec B; type B = vec record { nat; C }; type C = opt A; service : { f : (A, B) -> (C) }""",
    "alias_into_a_circle": "type In = record { A; nat }; type A = opt B; type B = vec A; service : { f : (In) -> () }",
    "circle_into_an_alias": "type A = vec record { A; Out }; type Out = vec nat8; service : { f : (A) -> (Out) }",
    "records_that_need_each_other": """
        type Node = record { name : text; edges : vec Edge };
        type Edge = record { to : opt Node; weight : float64 };
        service : { f : (Node) -> (Edge) }""",
    "tree_by_variant": """
        type Tree = variant { Leaf : int; Node : record { left : Tree; right : Tree } };
        service : { f : (Tree) -> (Tree) }""",
    "expression_of_vectors": """
        type Rule = variant { Always; Not : vec Rule; All : vec Rule; Quorum : record { nat8; vec Rule } };
        service : { f : (Rule) -> (opt Rule) }""",
    "trie_as_the_compiler_writes_it": """
        type Trie = variant { branch : Branch; empty; leaf : Leaf };
        type Branch = record { left : Trie; right : Trie; size : nat };
        type Leaf = record { keyvals : AssocList; size : nat };
        type AssocList = opt record { record { Key; nat }; AssocList };
        type Key = record { hash : nat32; key : text };
        service : { f : (Trie) -> (Trie) query }""",
    "result_of_itself": "type R = variant { Ok : R; Err : text }; service : { f : (opt R) -> () }",
    "result_with_recursive_error": """
        type R = variant { Ok; Err : E }; type E = variant { One; More : vec E }; service : { f : () -> (R) }""",
    "proposal_of_proposals": """
        type Proposal = record { title : text; action : opt Action };
        type Action = variant { Motion : record { text : text }; Batch : vec Proposal; Upgrade : Upgrade };
        type Upgrade = record { module : blob; arg : opt blob; proposal : opt Proposal };
        service : { submit : (Proposal) -> (variant { id : nat64; error : record { nat; text } }) }""",
    "used_before_it_is_defined": """
        type S = service { f : (Late) -> (Later) }; type Late = record { l : Later }; type Later = variant { a; b };
        service : S""",
    "never_used": "type Unused = record { u : Other }; type Other = vec Unused; service : { f : () -> () }",
    "long_chain_of_aliases": "".join(f"type A{n} = vec A{n + 1};\n" for n in range(60))
    + "type A60 = nat; service : { f : (A0) -> (A59) }",
}

# Records, tuples, variants, results.
COMPOSITE: Final = {
    "tuple_of_one": "service : { f : (record { nat }) -> (record { text }) }",
    "tuple_in_tuple": "type M = record { record { nat; text }; record { blob; bool } }; service : { f : (M) -> (M) }",
    "labels_from_one": "service : { f : (record { 1 : nat; 2 : text }) -> (record { 5 : nat; bool }) }",
    "numbers_and_names": "type M = record { 0 : nat; name : text; 7 : bool }; service : { f : (M) -> (M) }",
    "number_that_a_name_spells": 'type M = record { 5 : nat; "5" : text }; service : { f : (M) -> (M) }',
    "large_number": "type M = record { 4_294_967_295 : nat }; service : { f : (M) -> (M) }",
    "numbered_cases": "type V = variant { 0; 1 : nat; 99 : text }; service : { f : (V) -> (V) }",
    "empty_record": "type E = record {}; service : { f : (E, record {}) -> (E) }",
    "empty_variant": "type E = variant {}; service : { f : (opt E) -> (vec E) }",
    "never_returns": "type E = variant {}; service : { f : () -> (empty); g : () -> (E); h : (nat) -> (empty, nat) }",
    "results_of_rust": "type R = variant { Ok : nat; Err : text }; service : { f : () -> (R); g : () -> (R) query }",
    "results_without_payload": "type R = variant { Ok; Err }; service : { f : () -> (R) }",
    "result_in_result": """
        type R = variant { Ok : variant { Ok; Err }; Err : variant { Ok : record { nat }; Err : record { m : text } } };
        service : { f : (R) -> (R) }""",
    "results_of_motoko": """
        type Result = variant { ok; err : text }; type Result_1 = variant { ok : nat; err : text };
        service : { f : () -> (Result); g : () -> (Result_1) }""",
    "three_cases_with_ok": "service : { f : () -> (variant { Ok : nat; Err : text; Pending }) }",
    "anonymous_everywhere": """
        service : { f : (record { a : record { b : variant { c : record { d : nat } } } })
                     -> (vec record { k : text; v : opt variant { x; y : nat } }) }""",
    "equal_anonymous_types": """
        service : { f : (record { n : nat }) -> (record { n : nat }); g : (vec record { n : nat }) -> () }""",
    "anonymous_beside_its_name": """
        type FArg = nat; type FArg_ = text; service : { f : (record { n : FArg; t : FArg_ }) -> () }""",
    "options_of_options": "service : { f : (opt opt nat, opt null, opt reserved) -> (opt opt opt text) }",
    "options_of_aliases": "type O = opt nat; type OO = opt O; service : { f : (OO) -> (record { o : OO; p : O }) }",
    "blobs_in_all_forms": "service : { f : (blob, vec nat8, opt blob, vec blob) -> (vec vec nat8) }",
    "maps": "service : { f : (vec record { text; nat }) -> (vec record { principal; vec record { nat; bool } }) }",
    "all_numbers": """
        type N = record { a : nat; b : nat8; c : nat16; d : nat32; e : nat64; f : int; g : int8; h : int16;
                          i : int32; j : int64; k : float32; l : float64 };
        service : { f : (N) -> (N) }""",
    "all_others": """
        type O = record { a : bool; b : text; c : principal; d : null; e : reserved };
        service : { f : (O, null, reserved) -> (O, null, reserved) }""",
    "wide_variant": "type V = variant {" + "".join(f" Case{n} : nat;" for n in range(60))
    + "}; service : { f : (V) -> (V) }",
    "wide_record": "type W = record {" + "".join(f" field_with_a_long_name_{n} : opt text;" for n in range(60))
    + "}; service : { f : (W) -> (W) }",
    "deep_nesting": f"type D = {'vec opt ' * 15} record {{ nat }}; service : {{ f : (D) -> () }}",
    "required_after_optional": "type R = record { a : opt nat; b : text; c : opt nat }; service : { f : (R) -> (R) }",
    "payload_null": "type V = variant { a : null; b : opt nat; c : reserved }; service : { f : (V) -> (V) }",
    "alias_of_null": "type N = null; type V = variant { a : N; b : N }; service : { f : (V, N) -> (N) }",
    "returns_null": "type N = null; service : { f : () -> (null) query; g : () -> (N); h : () -> (null, N) }",
}  # fmt: skip

# References to functions and services.
REFERENCES: Final = {
    "callback_of_http": """
        type Token = record { key : text; index : nat };
        type Strategy = variant { Callback : record { token : Token; callback : func (Token) -> (opt Chunk) query } };
        type Chunk = record { body : blob; token : opt Token };
        type Header = record { text; text };
        type Request = record { url : text; method : text; body : blob; headers : vec Header };
        type Response = record { body : blob; headers : vec Header; status_code : nat16; streaming_strategy : opt Strategy };
        service : { http_request : (Request) -> (Response) query; http_request_update : (Request) -> (Response) }""",
    "function_by_name": "type F = func (text) -> (nat) query; service : { f : F; g : (F) -> (opt F) }",
    "function_of_itself": "type F = func (nat, F) -> (F) query; service : { f : F }",
    "oneway_function": "type F = func (nat) -> () oneway; service : { f : F; g : (record { done : F }) -> () }",
    "service_by_name": "type S = service { get : () -> (nat) query }; service : S",
    "service_as_a_value": "type S = service { get : () -> (nat) }; service : { open : (text) -> (S); all : (vec S) -> () }",
    "service_of_itself": "type S = service { next : () -> (opt S); add : (S) -> () }; service : S",
    "anonymous_service": "service : { f : (service { a : () -> () }) -> (service {}) }",
    "functions_in_variant": "type V = variant { f : func () -> (); s : service {} }; service : { f : (V) -> (V) }",
    "archive_with_callback": """
        type Range = record { start : nat; length : nat; callback : func (record { start : nat; length : nat })
            -> (record { transactions : vec record { kind : text; at : nat64 } }) query };
        service : { get : (record { start : nat; length : nat }) -> (record { archived : vec Range; len : nat }) query }""",
    "func_alias_of_alias": "type F = G; type G = func (nat) -> (nat); service : { f : F; h : (F) -> (G) }",
    "service_types_only": "type S = service { f : (T) -> (T) }; type T = record { t : nat }",
}

# Names of types, fields, cases, methods and arguments.
_KEYWORDS = (
    '"class" : nat; "def" : nat; "None" : nat; "lambda" : nat; "import" : nat; match : nat; "type" : nat'
)
NAMES: Final = {
    "fields_are_keywords": f"type K = record {{ {_KEYWORDS} }}; service : {{ f : (K) -> (K) }}",
    "cases_are_keywords": f"type K = variant {{ {_KEYWORDS} }}; service : {{ f : (K) -> (K) }}",
    "members_are_keywords": 'type K = variant { "class"; "None"; "True"; "async"; match; "_" }; service : { f : (K) -> (K) }',
    "methods_are_keywords": 'service : { "class" : () -> (); "del" : (nat) -> (nat); "await" : () -> () query }',
    "arguments_are_keywords": 'service : { f : ("class" : nat, "from" : nat, self : nat, "lambda" : opt nat) -> () }',
    "arguments_are_types": "service : { f : (principal : principal, text : text, blob : blob) -> (nat : nat) query }",
    "arguments_shadow_the_module": "service : (INTERFACE : nat, rt : nat) -> { f : (INTERFACE : nat, rt : nat) -> () }",
    "arguments_like_generated_ones": "service : { f : (nat, arg0 : nat, arg2 : nat, nat) -> () }",
    "fields_are_primitive_types": "type P = record { text : text; principal : principal; nat64 : opt nat64; bool : bool };"
    " service : { text : (P) -> (variant { text : text; int : int; reserved }) }",
    "fields_are_builtins": """
        type B = record { list : vec nat; str : text; bytes : blob; tuple : record { nat; text }; "bool" : bool;
                          dict : record {}; object : opt reserved; float : float64; int_ : vec int };
        service : { f : (B) -> (B) }""",
    "fields_of_models": """
        type M = record { copy : nat; json : text; schema : opt text; model_dump : nat; model_config : nat;
                          "__init__" : nat; dict : nat; fields : nat; candid_keys : nat; construct : nat };
        service : { f : (M) -> (M) }""",
    "members_of_enumerations": """
        type E = variant { name; value; mro; count; index; title; upper; "__members__"; "_missing_"; format };
        service : { f : (E) -> (vec E) }""",
    "methods_of_clients": """
        service : { interface : () -> (nat); canister_id : () -> (text) query; "_update" : (nat) -> (); "_agent" : () -> ();
                    "__init__" : () -> (); "rt" : () -> (); INTERFACE : () -> (nat) }""",
    "methods_are_builtins": """
        service : { list : (vec nat) -> (vec nat); str : (text) -> (text); bytes : () -> (blob); tuple : () -> (nat, nat);
                    print : (text) -> (); object : (reserved) -> (reserved); property : () -> () }""",
    "methods_like_types": "type get = nat; type Get = record { g : get }; service : { get : (get) -> (Get); Get : (Get) -> () }",
    "methods_as_tools_add_them": """
        service : { "__get_candid_interface_tmp_hack" : () -> (text) query; "__motoko_gc_trigger" : () -> ();
                    "canister_pre-upgrade" : () -> () }""",
    "types_are_builtins": """
        type Exception = record { e : text }; type ValueError = variant { a; b }; type int_ = nat; type "list" = vec nat;
        type True_ = bool; type Ellipsis = record { Exception; ValueError }; type type_ = text;
        service : { f : (Exception, ValueError, int_, list) -> (Ellipsis, True_, type_) }""",
    "types_are_imports": """
        type Field = record { Field : opt nat; AliasChoices : opt nat; "class" : opt nat }; type ClassVar = variant { a : nat };
        type TypeAlias = nat; type Union = vec Any; type Any = record { x : nat }; type TypedDict = variant { x; y };
        type dataclass = nat; type Dataclass = record { nat }; type NotRequired = nat; type TypeAliasType = opt TypeAliasType;
        type INTERFACE = nat; type annotations = nat; type encode_init = nat; type rt = nat;
        service : (encode_init) -> { f : (Field, ClassVar, TypeAlias, Union, TypedDict, dataclass) -> (Dataclass, INTERFACE, rt) }""",
    "types_are_clients": "type Service = record { a : nat }; type AsyncService = nat; service : { f : (Service) -> (AsyncService) }",
    "types_differ_by_case": """
        type user = record { a : nat }; type User = record { b : nat }; type USER = record { c : nat }; type user_ = nat;
        service : { f : (user, User, USER) -> (user_) }""",
    "types_with_underscores": """
        type _anon_class_13_1 = service { a : () -> (_Meta) }; type _Meta = record { x : __Y }; type __Y = nat;
        type A__B = variant { c_d : nat; e__f }; service : _anon_class_13_1""",
    "types_with_numbers": "type Result_7 = record { n : nat }; type r7 = Result_7; type R7 = nat; service : { f : (r7) -> (R7) }",
    "cases_like_types": """
        type Error = variant { Value : ErrorValue; Other }; type ErrorValue = record { Other : ErrorOther }; type ErrorOther = nat;
        service : { f : (Error) -> (Error) }""",
    "cases_like_builtins": "type Value = variant { Error : text; Type : nat }; type Type = variant { Error : nat }; service : { f : (Value, Type) -> () }",
    "cases_that_fold_together": 'type V = variant { "a b" : nat; a_b : nat; "a-b" : nat; aB : nat; AB }; service : { f : (V) -> (V) }',
    "members_that_fold_together": 'type E = variant { "a b"; a_b; "a-b"; "a b_"; "1"; "field_1" }; service : { f : (E) -> (E) }',
    "fields_that_fold_together": 'type R = record { "a b" : nat; a_b : text; "a-b" : bool; "a_b_" : blob }; service : { f : (R) -> (R) }',
    "keyword_and_its_name": 'type R = record { "class" : nat; class_ : nat; class__ : nat }; service : { f : (R) -> (R) }',
    "private_and_public": 'type R = record { "_x" : nat; x : text; "__x" : bool; x_ : blob }; service : { f : (R) -> (R) }',
    "field_named_like_its_type": "type Foo = record { n : nat }; type R = record { Foo : opt Foo; Foo_ : Foo; foo : vec Foo }; service : { f : (R) -> (R) }",
    "names_of_any_text": r"""
        type R = record { "" : nat; " " : nat; "é" : nat; "☃" : nat; "a\"b" : nat; "\\" : nat; "'" : nat; "\"'" : nat; "''\"\n" : nat; "\n" : nat;
                          "\u{202e}x" : nat; "\01" : nat; "{}" : nat; "%s" : nat; "\"\"\"" : nat };
        type V = variant { "" : nat; " "; "é"; "\"\"\""; "\\"; "\n" : R }; type E = variant { ""; "日本"; "\"\"\""; "\r" };
        service : { "" : (R) -> (V); "日本" : (E) -> (E); "a \"\"\" b\\" : () -> (); "\n" : () -> () }""",
    "digits_first": """
        type R = record { "2fa" : record { "3x" : variant { "4" : nat; "5" } } };
        service : { "2fa" : (record { "1st" : nat }) -> (R); "0" : () -> (variant { "0"; "1" }) }""",
    "hexadecimal_labels": "type R = record { 0x10 : nat; 1_000 : nat }; service : { f : (R) -> (R) }",
    "soft_keywords": "type type_of = nat; type R = record { match : nat; case : nat; _ : nat }; service : { match : (R) -> (); case : () -> () }",
    "dunder_fields": 'type R = record { "__class__" : nat; "__dict__" : nat; "__slots__" : nat; "__doc__" : text }; service : { f : (R) -> (R) }',
    "service_with_a_name": "service counter_canister : { inc : () -> (nat) }",
    "service_named_like_a_type": "type Ledger = record { n : nat }; service Ledger : { f : (Ledger) -> () }",
    "service_with_a_keyword_name": 'service "class" : { f : () -> () }',
}  # fmt: skip

# Methods, installation, files.
METHODS: Final = {
    "no_methods": "service : {}",
    "nothing": "",
    "types_only": "type A = record { n : nat }; type B = variant { a; b }; type C = vec A",
    "one_way": "service : { f : (nat) -> () oneway; g : () -> () oneway }",
    "composite_query": "service : { f : (nat) -> (nat) composite_query }",
    "named_results": "service : { f : (a : nat, b : nat) -> (sum : nat, product : nat) query }",
    "no_parentheses": "service : { f : nat -> text; g : record { n : nat } -> opt nat }",
    "many_arguments": "service : { f : (" + ", ".join(f"argument_{n} : opt nat" for n in range(20)) + ") -> () }",
    "optional_in_the_middle": "service : { f : (opt nat, text, opt nat, reserved) -> () }",
    "long_name": f"service : {{ {'very_' * 30}long : ({'argument_' * 12}a : nat) -> (nat) }}",
    "init_without_arguments": "service : () -> { f : () -> () }",
    "init_by_record": """
        type Init = record { owner : principal; supply : nat; logo : opt text };
        service : (Init, opt vec principal) -> { f : () -> () query }""",
    "init_or_upgrade": """
        type Arg = variant { Init : record { name : text; fee : opt nat }; Upgrade : opt record { fee : opt nat } };
        service : (ledger_arg : Arg) -> { f : () -> () query }""",
    "init_anonymous": "service : (record { a : nat; b : variant { c; d : nat } }) -> { f : () -> () }",
    "init_without_methods": "service : (nat) -> {}",
    "no_semicolons_at_the_end": "type A = nat\ntype B = record { a : A }\nservice : { f : (B) -> () }",
    "accounts_and_transfers": """
        type Account = record { owner : principal; subaccount : opt blob };
        type TransferArg = record { to : Account; amount : nat; fee : opt nat; memo : opt blob; created_at_time : opt nat64 };
        type TransferError = variant { BadFee : record { expected_fee : nat }; TooOld; Duplicate : record { duplicate_of : nat };
            GenericError : record { error_code : nat; message : text } };
        service : { icrc1_transfer : (TransferArg) -> (variant { Ok : nat; Err : TransferError });
                    icrc1_metadata : () -> (vec record { text; variant { Nat : nat; Int : int; Text : text; Blob : blob } }) query;
                    icrc1_supported_standards : () -> (vec record { name : text; url : text }) query }""",
    "governance": """
        type NeuronId = record { id : blob };
        type By = variant { MemoAndController : record { controller : opt principal; memo : nat64 }; NeuronId : record {} };
        type Command = variant { Split : record { amount_e8s : nat64 }; Follow : record { followees : vec NeuronId; function_id : nat64 };
            ClaimOrRefresh : record { by : opt By }; Configure : record { operation : opt Operation } };
        type Operation = variant { StartDissolving : record {}; SetDissolveTimestamp : record { at : nat64 } };
        type ManageNeuron = record { subaccount : blob; command : opt Command };
        service : { manage_neuron : (ManageNeuron) -> (record { command : opt variant { Error : record { error_type : int32 }; Ok } }) }""",
    "assets": """
        type Op = variant { Create : record { key : text; headers : opt vec record { text; text }; max_age : opt nat64 };
            Set : record { key : text; chunk_ids : vec nat; sha256 : opt blob }; Clear : record {} };
        service : { commit_batch : (record { batch_id : nat; operations : vec Op }) -> ();
                    get : (record { key : text; accept_encodings : vec text }) -> (record { content : blob; total_length : nat }) query;
                    list : (record {}) -> (vec record { key : text; encodings : vec record { sha256 : opt blob; length : nat } }) query }""",
    "identity": """
        type Purpose = variant { recovery; authentication }; type Key = blob;
        type Device = record { pubkey : Key; alias : text; purpose : Purpose; credential_id : opt blob; metadata : opt Map };
        type Map = vec record { text; variant { map : Map; string : text; bytes : vec nat8 } };
        service : (opt record { range : opt record { nat64; nat64 } }) -> {
            register : (Device, challenge : record { key : text; chars : text }) -> (variant { registered : record { user_number : nat64 }; full });
            lookup : (nat64) -> (vec Device) query }""",
}  # fmt: skip

# Comments, which become docstrings.
DOCS: Final = {
    "line_comments": """
        // A user.
        //
        // With two paragraphs.
        type User = record {
          // The name.
          name : text;
          /// Where from.
          from : opt text;
        };
        // What is possible.
        service : {
          // Get one.
          get : (nat) -> (opt User) query;
        }""",
    "block_comments": """
        /* A kind. */ type Kind = variant { /* the first */ first; /** the second
          * on two lines */ second : nat };
        /* All methods. /* nested */ */ service : { /* f */ f : (Kind) -> () }""",
    "comments_with_quotes": '''
        // "quoted"
        type A = record { // trailing
          // """ three, and at the end "
          a : nat };
        // ends with a backslash \\
        type B = variant { x; y };
        // it's `code` and \\u{41} \\N{DASH} \\x
        service : {
          // ""
          f : (A) -> (B) }''',
    "comments_of_any_text": "// \x00 \x07 \x0c \u202e \u2028 \ufeff é ☃ {x} %s\ntype A = record {\n// \t tab\u0085\n a : nat };\nservice : { f : (A) -> () }",
    "long_comment": f"// {'word ' * 80}\ntype A = variant {{ x; y }}; service : {{\n// {'word ' * 80}\nf : (A) -> () }}",
    "comments_on_cases": """
        type V = variant {
          // One.
          One : nat;
          // Two.
          Two };
        // An alias.
        type L = vec V;
        // A circle.
        type C = opt C2; type C2 = vec C;
        service : { f : (V) -> (L, C) }""",
    "comment_with_imports": "// dataclass Field Any ClassVar Union TypeAlias pydantic\ntype A = nat; service : { f : (A) -> () }",
    "windows_line_ends": "// One.\r\n// Two.\r\ntype A = record {\r\n  // a\r\n  a : nat;\r\n};\r\nservice : {\r\n  f : (A) -> ();\r\n}\r\n",
}  # fmt: skip

SHAPES: Final = {**ORDER, **COMPOSITE, **REFERENCES, **NAMES, **METHODS, **DOCS}
"""The text of every shape by its name."""
