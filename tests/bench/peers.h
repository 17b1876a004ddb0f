/* Which peers are on this machine. The Makefile links by the same signs: what it says in
 * build/<variant>/tests/bench/peers. */
#ifndef ART_BENCH_PEERS_H
#define ART_BENCH_PEERS_H

#if __has_include(<lmdb.h>)
#define BENCH_LMDB 1
#endif
#if __has_include(<rocksdb/c.h>)
#define BENCH_ROCKSDB 1
#endif
#if __has_include(<leveldb/c.h>)
#define BENCH_LEVELDB 1
#endif

#endif
