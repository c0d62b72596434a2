/** PostHog's error answers: the envelope of `drf-exceptions-hog` around DRF's and PostHog's own messages. */
import * as Reply from "./Reply.ts"

const envelope = (
  status: number,
  type: string,
  code: string,
  detail: string,
  attr: string | null = null
): Reply.Reply => Reply.json(JSON.stringify({ type, code, detail, attr }), { status })

const withHeader = (reply: Reply.Reply, name: string, value: string): Reply.Reply => ({
  ...reply,
  headers: { ...reply.headers, [name]: value }
})

/** Newer servers point a 401 to their OAuth metadata. */
export const withMetadata = (reply: Reply.Reply, origin: string): Reply.Reply =>
  withHeader(reply, "www-authenticate", `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource"`)

/** 401: no `Authorization: Bearer …`. */
export const notAuthenticated = envelope(
  401,
  "authentication_error",
  "not_authenticated",
  "Authentication credentials were not provided."
)

/** 401: wrong, revoked, of another region or kind, or its owner is deactivated. */
export const authenticationFailed = envelope(
  401,
  "authentication_error",
  "authentication_failed",
  "Personal API key found in request Authorization header is invalid."
)

/** 403 with a reason. All kinds share one code. */
export const permissionDenied = (detail: string, code = "permission_denied"): Reply.Reply =>
  envelope(403, "authentication_error", code, detail)

/** 403: the key lacks a scope. */
export const missingScope = (scope: string): Reply.Reply =>
  permissionDenied(`API key missing required scope '${scope}'`)

/** 403: the key is limited to projects. */
export const scopedToTeams = permissionDenied(
  "API keys with scoped projects are only supported on project-based endpoints."
)

/** 403: the key is limited to other organizations. */
export const scopedElsewhere = (organizationId: string): Reply.Reply =>
  permissionDenied(`API key does not have access to the requested organization: ID ${organizationId}.`)

/** 403: the key's owner is not a member. */
export const notAMember = permissionDenied("You do not have permission to perform this action.")

/** 403: the organization bars personal keys of people below administrator. */
export const personalKeysBarred = (organizationName: string): Reply.Reply =>
  permissionDenied(
    `Organization '${organizationName}' does not allow using personal API keys. Contact an admin to enable personal API keys for this organization.`
  )

/** 403: the owner's e-mail domain is not verified. */
export const verifiedDomainRequired = permissionDenied(
  "Your organization only allows members with a verified email domain. Contact your organization's admin for access.",
  "verified_domain_required"
)

/** 403: the organization is deactivated. PostHog: PR 96538; the wording varies. */
export const organizationDeactivated = permissionDenied(
  "This organization has been deactivated.",
  "organization_deactivated"
)

/** 403: the organization is being deleted. */
export const organizationPendingDeletion = permissionDenied(
  "This organization is pending deletion.",
  "organization_pending_deletion"
)

/** 403: the endpoint is for sessions only. */
export const noKeySupport = permissionDenied("This action does not support personal API key access")

const notFound = (detail: string): Reply.Reply => envelope(404, "invalid_request", "not_found", detail)

/** 404: no such organization, or an id that is none. */
export const organizationNotFound = notFound("Organization not found.")

/** 404: `/api/organizations/:id/` of an organization that the key does not reach. */
export const objectNotFound = notFound("Not found.")

/** 404: no such route under `/api/`. */
export const endpointNotFound = notFound("Endpoint not found.")

/** 405. */
export const methodNotAllowed = (method: string): Reply.Reply =>
  withHeader(
    envelope(405, "invalid_request", "method_not_allowed", `Method "${method}" not allowed.`),
    "allow",
    "GET, HEAD, OPTIONS"
  )

/** 400: `search` on `/members/` is longer than 200 characters. */
export const searchTooLong = envelope(
  400,
  "validation_error",
  "invalid_input",
  "Search query must be 200 characters or fewer.",
  "search"
)

/** 402: PostHog: `PremiumFeaturePermission`; never seen on these endpoints. */
export const paymentRequired = envelope(
  402,
  "payment_required",
  "payment_required",
  "Role-based access is part of the premium PostHog offering. To use it, subscribe to PostHog Cloud with a generous free tier."
)

/** 429. `seconds` is absent where the wait is unknown; `announced` is false on servers before May 2023. */
export const throttled = (seconds: number | undefined, announced = true): Reply.Reply => {
  const wait = seconds === undefined ? "" : ` Expected available in ${seconds} second${seconds === 1 ? "" : "s"}.`
  const reply = envelope(429, "throttled_error", "throttled", `Request was throttled.${wait}`)
  return announced && seconds !== undefined ? withHeader(reply, "retry-after", String(seconds)) : reply
}

/** 500: an exception that nobody handled. */
export const serverError = envelope(500, "server_error", "error", "A server error occurred.")

/** 503: the database is down. */
export const databaseUnavailable = withHeader(
  envelope(503, "server_error", "database_unavailable", "The database is temporarily unavailable."),
  "retry-after",
  "1"
)
