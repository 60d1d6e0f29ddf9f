/* Debian's compiler-rt for wasm32 was built with the stack protector, whose two symbols wasi-libc does not have.  In
 * wasm the return address is out of a program's reach, so that the canary needs no secret. */
extern unsigned long __stack_chk_guard;
unsigned long __stack_chk_guard = 0x595e9fbd;

_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void) { __builtin_trap(); }
