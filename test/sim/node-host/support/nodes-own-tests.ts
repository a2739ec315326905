/** The names of tests of Node that have to pass on a simulated host: test/parallel/test-NAME.js. */

export const NODES_OWN_TESTS: readonly string[] = `
  net-after-close net-allow-half-open net-autoselectfamily-commandline-option net-autoselectfamily-ipv4first
  net-better-error-messages-listen net-better-error-messages-listen-path net-better-error-messages-path
  net-better-error-messages-port-hostname net-binary net-bind-twice net-buffersize net-bytes-read
  net-bytes-stats net-client-bind-twice net-connect-after-destroy net-connect-buffer net-connect-buffer2
  net-connect-call-socket-connect net-connect-immediate-destroy net-connect-immediate-finish
  net-connect-keepalive net-connect-memleak net-connect-no-arg net-connect-nodelay net-connect-options-port
  net-connect-paused-connection net-connect-reset-after-destroy net-connect-reset-before-connected
  net-dns-error net-dns-lookup net-dns-lookup-skip net-eaddrinuse net-error-twice net-keepalive
  net-large-string net-listen-after-destroying-stdin net-listen-close-server
  net-listen-close-server-callback-is-not-function net-listen-fd0 net-listen-invalid-port net-listening
  net-local-address-port net-options-lookup net-persistent-keepalive net-reconnect net-remote-address
  net-remote-address-port net-server-async-dispose net-server-call-listen-multiple-times
  net-server-capture-rejection net-server-close net-server-close-before-calling-lookup-callback
  net-server-listen-options-signal net-server-listen-remove-callback net-server-max-connections
  net-server-nodelay net-server-options net-server-pause-on-connect net-server-reset net-server-try-ports
  net-server-unref net-settimeout net-socket-byteswritten net-socket-close-after-end
  net-socket-connect-invalid-autoselectfamily net-socket-connect-invalid-autoselectfamilyattempttimeout
  net-socket-destroy-send net-socket-destroy-twice net-socket-end-before-connect net-socket-end-callback
  net-socket-local-address net-socket-ready-without-cb net-socket-reset-send net-socket-reset-twice
  net-socket-timeout net-socket-write-after-close net-socket-write-error net-stream net-sync-cork
  net-writable net-write-cb-on-destroy-before-connect net-write-connect-write net-write-fully-async-buffer
  net-write-fully-async-hex-string net-write-slow http-agent-timeout http-date-header http-expect-continue
  http-keep-alive-drop-requests http-keepalive-request http-server-headers-timeout-delayed-headers
  http-server-keep-alive-timeout http-server-request-timeout-interrupted-headers
  http-server-request-timeout-keepalive http-set-timeout http-set-timeout-server http-socket-encoding-error
  http-upgrade-client http-upgrade-server timers-clear-timeout-interval-equivalent timers-interval-throw
  timers-promises timers-unrefed-in-callback
`
  .trim()
  .split(/\s+/);
