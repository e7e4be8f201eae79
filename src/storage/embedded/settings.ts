/**
 * How an embedded server runs: for one small process on one machine that mostly commits.
 * Given on the command line, so that they are always this version's.
 * @param major of PostgreSQL
 * @param at a port and the socket's directory; null: loopback
 */
export function serverSettings(major: number, at: { port: number; socketDir: string | null }): Record<string, string> {
  return {
    listen_addresses: at.socketDir === null ? '127.0.0.1' : '',
    unix_socket_directories: at.socketDir ?? '',
    unix_socket_permissions: '0700',
    port: String(at.port),
    max_connections: '100',
    shared_buffers: '128MB',
    // What was acknowledged survives a power cut.
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    // Fewer, longer checkpoints: after each, the first change of a page is written whole.
    checkpoint_timeout: '15min',
    max_wal_size: '1GB',
    min_wal_size: '64MB',
    wal_compression: 'on',
    // Every statement is short; compiling one or spreading it over processes costs more than it gives.
    jit: 'off',
    max_parallel_workers_per_gather: '0',
    // The queue's rows die fast.
    autovacuum_naptime: '15s',
    // A client that vanished must not keep its locks.
    client_connection_check_interval: process.platform === 'linux' ? '5s' : '0',
    idle_in_transaction_session_timeout: '60s',
    // Not statements nor the rows they failed on: those hold people's texts.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    log_autovacuum_min_duration: '-1',
    log_line_prefix: '%m [%p] ',
    log_timezone: 'UTC',
    timezone: 'UTC',
    lc_messages: 'C',
    // Reading is from memory; workers for it would be three more processes.
    ...(major >= 18 && { io_method: 'sync' }),
  }
}
