/* Types and the instructions that C has no name for. Stops (;;) are ours: the assembler adds none. */
#ifndef IA64_H
#define IA64_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define READ_REGISTER(name)                                                                                            \
    ({                                                                                                                 \
        u64 value_;                                                                                                    \
        asm volatile("mov %0 = " name : "=r"(value_) : : "memory");                                                    \
        value_;                                                                                                        \
    })
#define WRITE_REGISTER(name, value) asm volatile("mov " name " = %0" : : "r"((u64)(value)) : "memory")

#define BREAK(n) asm volatile("break " #n : : : "memory")

static inline void barrier(void) { asm volatile("" : : : "memory"); }
static inline void memory_fence(void) { asm volatile("mf" : : : "memory"); }
static inline void serialize_data(void) { asm volatile(";; srlz.d ;;" : : : "memory"); }
static inline void serialize_instruction(void) { asm volatile(";; srlz.i ;;" : : : "memory"); }
static inline void pause(void) { asm volatile("hint @pause" : : : "memory"); }
static inline u64 itc(void) { return READ_REGISTER("ar.itc"); }

/* Masks interruptions; the result goes to interrupts_restore. */
static inline u64 interrupts_off(void)
{
    u64 psr;
    asm volatile("mov %0 = psr ;; rsm psr.i ;;" : "=r"(psr) : : "memory");
    return psr & PSR_I;
}
static inline void interrupts_on(void) { asm volatile("ssm psr.i ;; srlz.d ;;" : : : "memory"); }
static inline void interrupts_restore(u64 previous)
{
    if (previous)
        interrupts_on();
}

/* Takes the highest pending interrupt into service; 15 when there is none. */
static inline u64 read_ivr(void)
{
    u64 vector;
    asm volatile("mov %0 = cr.ivr ;; srlz.d ;;" : "=r"(vector) : : "memory");
    return vector & 0xff;
}
static inline void eoi(void) { asm volatile("mov cr.eoi = r0 ;; srlz.d ;;" : : : "memory"); }
static inline u64 translate(u64 address)
{
    u64 physical;
    asm volatile("tpa %0 = %1" : "=r"(physical) : "r"(address) : "memory");
    return physical;
}
static inline u64 cpuid(u64 index)
{
    u64 value;
    asm volatile("mov %0 = cpuid[%1]" : "=r"(value) : "r"(index));
    return value;
}
static inline void purge_local(u64 address, u64 shift)
{
    asm volatile("ptc.l %0, %1 ;; srlz.i ;;" : : "r"(address), "r"(shift << 2) : "memory");
}
/* One processor at a time, as the architecture asks of ptc.ga. */
static inline void purge_global(u64 address, u64 shift)
{
    asm volatile("ptc.ga %0, %1 ;; srlz.i ;;" : : "r"(address), "r"(shift << 2) : "memory");
}
/* Makes stored instructions of one 32-byte block visible to instruction fetch. */
static inline void flush_code(const void *code)
{
    asm volatile("fc.i %0 ;; sync.i ;; srlz.i ;;" : : "r"(code) : "memory");
}

#define REGION(n) ((u64)(n) << 61)
#define REGION_OFFSET(address) ((u64)(address) & ~REGION(7))
static inline void *cached(u64 physical) { return (void *)(REGION(7) | physical); }
static inline volatile void *uncached(u64 physical) { return (volatile void *)(REGION(6) | physical); }

static inline u8 load1(u64 physical) { return *(volatile u8 *)uncached(physical); }
static inline u16 load2(u64 physical) { return *(volatile u16 *)uncached(physical); }
static inline u32 load4(u64 physical) { return *(volatile u32 *)uncached(physical); }
static inline void store1(u64 physical, u8 value) { *(volatile u8 *)uncached(physical) = value; }
static inline void store2(u64 physical, u16 value) { *(volatile u16 *)uncached(physical) = value; }
static inline void store4(u64 physical, u32 value) { *(volatile u32 *)uncached(physical) = value; }
static inline void store8(u64 physical, u64 value) { *(volatile u64 *)uncached(physical) = value; }

#endif
