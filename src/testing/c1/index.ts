/**
 * A C1 on this machine that enforces C1's rules: `baton-posthog/testing/c1`. Apart from `baton-posthog/testing`, since it
 * brings gRPC with it.
 */
export { type Certificate, type CertificateOptions, selfSigned } from "../Certificate.ts"
export * from "./FakeC1.ts"
export type * from "./FakeC1Options.ts"
export { type C1Client } from "./C1Client.ts"
export { type Call, type CallName, emptyToken, Fault, type FaultRule } from "./Fault.ts"
export { type Finished, type TaskState } from "./TaskBoard.ts"
export { ListenFailed } from "./TlsListener.ts"
export * as Transcript from "./Transcript.ts"
export { type Upload } from "./Uploads.ts"
