/** Keys that may not, and organizations that do not let. Each refusal is a row of PostHog's check order. */
import * as ApiError from "./ApiError.ts"
import { type ApiKey, defaultApiKey } from "./ApiKey.ts"
import { Level, type OrganizationSettings, withSettings } from "./Organization.ts"
import { on, respond, type Scenario } from "./Scenario.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"

const withKey =
  (change: Partial<ApiKey>) =>
  (options: SimulatorOptions): SimulatorOptions => ({
    ...options,
    keys: (options.keys ?? [defaultApiKey]).map((key) => ({ ...key, ...change }))
  })

const withOrganization =
  (settings: Partial<OrganizationSettings>) =>
  (options: SimulatorOptions): SimulatorOptions => ({
    ...options,
    organization: withSettings(options.organization, settings)
  })

const elsewhere = "01890000-0000-7000-8000-00000000beef"

export const credentialScenarios = {
  "key-invalid": {
    description: "401 from the start: the key is wrong, revoked or of another region",
    adjust: (options) => ({ ...options, keys: [] })
  },
  "key-revoked-midway": {
    description: "401 from the fifth request on: the key is revoked during the sync",
    script: on({ where: ({ n }) => n >= 5 }, respond(ApiError.authenticationFailed))
  },
  "key-owner-deactivated": {
    description: "401: the key's owner is deactivated",
    adjust: withKey({ isOwnerActive: false })
  },
  "key-without-organization-scope": {
    description: "403 on roles and organization: the key lacks organization:read",
    adjust: withKey({ scopes: ["organization_member:read"] })
  },
  "key-without-member-scope": {
    description: "403 on members: the key lacks organization_member:read",
    adjust: withKey({ scopes: ["organization:read"] })
  },
  "key-with-all-scopes": {
    description: "The key can do anything (*)",
    adjust: withKey({ scopes: ["*"] })
  },
  "key-with-write-scopes": {
    description: "The key can write what it needs only to read",
    adjust: withKey({ scopes: ["organization:write", "organization_member:write"] })
  },
  "key-scoped-to-project": {
    description: "403: the key is limited to a project",
    adjust: withKey({ scopedTeams: [42] })
  },
  "key-scoped-elsewhere": {
    description: "403: the key is limited to another organization",
    adjust: withKey({ scopedOrganizations: [elsewhere] })
  },
  "not-a-member": {
    description: "403: the key's owner is not a member of the organization",
    adjust: withKey({ ownerLevel: null })
  },
  "member-key": {
    description: "The key's owner is a plain member who sees everyone",
    adjust: withKey({ ownerLevel: Level.member })
  },
  "members-hidden": {
    description: "200 but filtered: the key's owner is a plain member, and the organization hides its members",
    adjust: (options) =>
      withKey({ ownerLevel: Level.member })(withOrganization({ membersCanSeeOrgMembers: false })(options))
  },
  "members-hidden-from-others": {
    description: "The organization hides its members, but the key's owner is an owner and sees everyone",
    adjust: withOrganization({ membersCanSeeOrgMembers: false })
  },
  "personal-keys-barred": {
    description: "403: the organization bars personal keys of plain members",
    adjust: (options) =>
      withKey({ ownerLevel: Level.member })(withOrganization({ membersCanUsePersonalApiKeys: false })(options))
  },
  "verified-domain-required": {
    description: "403: the owner's e-mail domain is not verified",
    adjust: withOrganization({ enforceVerifiedDomains: true })
  },
  "two-factor-enforced": {
    description: "The organization enforces two-factor log-in, which personal keys do not notice",
    adjust: withOrganization({ enforce2fa: true })
  },
  "organization-unknown": {
    description: "404: there is no organization with that id",
    adjust: (options) => ({ ...options, organization: { ...options.organization, id: elsewhere } })
  },
  "organization-deactivated": {
    description: "403: the organization is deactivated",
    adjust: withOrganization({ isActive: false })
  },
  "organization-pending-deletion": {
    description: "403: the organization is being deleted",
    adjust: withOrganization({ isPendingDeletion: true })
  },
  "current-key-forbidden": {
    description: "403 on the key's own description only",
    script: on({ endpoint: "current_key" }, respond(ApiError.noKeySupport))
  },
  "payment-required": {
    description: "402 on roles, as old plans answered",
    script: on({ endpoint: "roles" }, respond(ApiError.paymentRequired))
  }
} as const satisfies Record<string, Scenario>
