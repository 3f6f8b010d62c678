;; Takes the first 40 bytes of a message for its channel, and the next four for where its counts of
;; allocations are: whatever a guest may claim.
(module
  (memory (export "memory") 2)
  ;; The channel, at 64; the inbox begins at 4096.
  (data (i32.const 64) "CXTN\01\00\00\00")
  (func (export "agent_abi_version") (result i32)
    i32.const 1)
  (func (export "agent_new") (param i32) (result i32)
    i32.const 64)
  (func (export "agent_reserve") (param i32 i32 i32) (result i32)
    (i64.store (i32.const 72) (i64.const 4096))
    (i64.store (i32.const 80) (i64.extend_i32_u (local.get 1)))
    i32.const 0)
  (func (export "agent_handle") (param i32 i32) (result i32)
    (memory.copy (i32.const 64) (i32.const 4096) (i32.const 40))
    i32.const 0)
  (func (export "agent_example") (param i32 i64) (result i32)
    i32.const 0)
  (func (export "agent_heap_counts") (result i32)
    (i32.load (i32.const 4136)))
  (func (export "agent_drop") (param i32)))
