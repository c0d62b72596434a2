import { Context, Effect, Layer, Ref } from "effect"

/** Whether something is as it should be, or why it is not. */
export type Contact = { readonly ok: true } | { readonly ok: false; readonly problem: string }

/** What there is to know of a running service from outside. */
export class ServiceStatus extends Context.Service<
  ServiceStatus,
  {
    /** Whether C1 took the Hello, and the last call but tasks' went well. */
    readonly contact: Effect.Effect<Contact>
    readonly note: (contact: Contact) => Effect.Effect<void>
  }
>()("baton-posthog/service/ServiceStatus") {
  static readonly layer: Layer.Layer<ServiceStatus> = Layer.effect(
    ServiceStatus,
    Effect.map(Ref.make<Contact>({ ok: false, problem: "C1 has not been greeted yet" }), (contact) => ({
      contact: Ref.get(contact),
      note: (next) => Ref.set(contact, next)
    }))
  )
}
