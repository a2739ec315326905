/** `cablepull/sim`: boards, faults, the bench, the simulation, the reference server, and verdicts. */

export { Bench, type BenchOptions } from './bench/bench.ts';
export type { BoardEvent, Firmware } from './board/board.ts';
export type { MachineState } from './board/machine.ts';
export type { Nic } from './board/nic.ts';
export { Device, type DeviceCable, type DevicePower } from './device.ts';
export { type Fault, formatFault, type Range } from './faults/fault.ts';
export { FAULT_KINDS, type FaultKind, FAULTS } from './faults/kinds/index.ts';
export type { Effect, FirmwareState, KindOfFault, NetworkKind, Side, Tier } from './faults/kind.ts';
export { describePlanError, parsePlan, type PlanError } from './faults/plan.ts';
export {
  type End,
  matrix,
  type Matrix,
  type MatrixCell,
  type MatrixFault,
  type MatrixOptions,
  type MatrixRow,
  MATRIX_FAULTS,
} from './matrix/matrix.ts';
export { POLICIES, type Policy } from './matrix/policy.ts';
export { matrixText } from './matrix/text.ts';
export type { Capture } from './link/capture.ts';
export type { Cable } from './link/cable.ts';
export type { Bandwidth, LineOptions, LinkOptions, Share } from './link/options.ts';
export type { Rule } from './link/rule.ts';
export {
  bandwidth,
  blackhole,
  burstLoss,
  type Bursts,
  corrupt,
  duplicate,
  jitter,
  latency,
  loss,
  reorder,
} from './link/rules/index.ts';
export {
  nodeProgram, NodeProgram, type NodeProgramOptions, type ProgramEnd, type ProgramEntry, ProgramError,
} from './node-host/program.ts';
export type { HandleCounts, OpenPort } from './node-host/world.ts';
export { type NetstatRow, netstatTable, type NetstatTimer } from './netstat.ts';
export {
  type BootTime,
  echoFirmware,
  firmware,
  heartbeatFirmware,
  mqttBroker,
  type MqttBrokerSettings,
  mqttFirmware,
  referenceServer,
  type ServerProgram,
  slowBoot,
} from './programs.ts';
export { forkRandom } from './random.ts';
export { describeEvent, describeReason, type OfflineReason, type ServerEvent } from './server/events.ts';
export type { ClientRow, ServerStatistics } from './server/port.ts';
export { PROTOCOL_NAMES, PROTOCOLS } from './server/protocols/index.ts';
export type {
  Client, ClientHandler, Protocol, ServerProtocol, Service, ServiceHost,
} from './server/protocols/protocol.ts';
export { type ReferenceServer, startServer } from './server/server.ts';
export type { PortSettings, ServerOptions, ServiceOptions } from './server/settings.ts';
export { Sessions } from './sessions/sessions.ts';
export type { SimulatedNatOptions } from './link/nat-options.ts';
export {
  type DeviceOptions,
  type HostOptions,
  type SimulatedNat,
  type SimulatedServer,
  Simulation,
  type SimulationOptions,
} from './simulation.ts';
export type { Profile, ProfileName } from './tcpip/profile.ts';
export { PROFILES } from './tcpip/profiles/index.ts';
export { type Duration, formatDuration, parseDuration } from './time/duration.ts';
export type { PacingOptions } from './time/pacing.ts';
export {
  type Expectation, judgeExpectation, type Judgement, parseExpectation, type Unmet,
} from './verdict/expectation.ts';
export { verdictTable } from './verdict/findings-text.ts';
export { Judge } from './verdict/judge.ts';
export { type Detection, type Summary, summarize } from './verdict/summary.ts';
export { type BenchEvent, describeTraceEvent, TRACE_FORMAT, TRACE_VERSION, type TraceEvent } from './trace/trace.ts';
export { parseTraceLine, type PassedOver, type TraceFileEnd, TraceReader } from './trace/trace-file.ts';
export type { FalseAlarm, Findings, Noticed, Traffic, Verdict } from './verdict/verdict.ts';
