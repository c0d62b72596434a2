/**
 * What a simulated PostHog organization holds. {@link makeOrganization} in `GeneratedOrganization.ts` computes one of
 * any size, {@link organizationOf} in `WrittenOrganization.ts` takes one written by hand.
 */
import * as Rows from "./Rows.ts"

/** Seat of a member. PostHog: `OrganizationMembership.Level`; other numbers are allowed, to test unknown levels. */
export const Level = { member: 1, administrator: 8, owner: 15 } as const

/** A person with a PostHog account. Key names follow the wire, in camel case. */
export interface User {
  readonly id: number
  readonly uuid: string
  readonly distinctId: string | null
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  /** `null`: the account is older than e-mail verification. */
  readonly isEmailVerified: boolean | null
  /** Cosmetic; older servers hand out whatever was stored, of any JSON type. */
  readonly hedgehogConfig: unknown
  readonly roleAtOrganization: string | null
  /** Never on the wire: people of one project see each other where the organization hides its members. */
  readonly project: number
}

/** A person's membership of the organization. */
export interface Member {
  readonly id: string
  readonly user: User
  readonly level: number
  readonly joinedAt: string
  readonly updatedAt: string
  readonly is2faEnabled: boolean
  readonly hasSocialAuth: boolean
  readonly lastLogin: string | null
}

/** A role of the organization. Its memberships are read through {@link Organization.memberships}. */
export interface Role {
  readonly id: string
  readonly name: string
  readonly createdAt: string
  readonly createdBy: User | null
}

/** One person's assignment to a role. */
export interface RoleMembership {
  readonly id: string
  readonly user: User
  /** `null` for rows older than the link (PostHog: PR 20928, March 2024) and for people who left. */
  readonly member: Member | null
  readonly joinedAt: string
  readonly updatedAt: string
}

/** What an organization's administrators and PostHog itself can switch. */
export interface OrganizationSettings {
  readonly membersCanSeeOrgMembers: boolean
  readonly membersCanUsePersonalApiKeys: boolean
  /** `true` refuses key owners whose e-mail domain is not verified; the simulator holds none to be. */
  readonly enforceVerifiedDomains: boolean
  readonly enforce2fa: boolean | null
  readonly isActive: boolean
  readonly isPendingDeletion: boolean
  readonly defaultRoleId: string | null
}

/** An organization as the database would hold it. */
export interface Organization {
  readonly id: string
  readonly name: string
  readonly slug: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly settings: OrganizationSettings
  /** The people that `/members/` lists, who joined first comes first: no deactivated ones, no bots. */
  readonly members: Rows.Rows<Member>
  readonly roles: Rows.Rows<Role>
  /** Who holds the role at this index of `roles`, oldest assignment first. */
  readonly memberships: (roleIndex: number) => Rows.Rows<RoleMembership>
  /** Index in `roles` of the role with this id. */
  readonly roleIndexOf: (roleId: string) => number | undefined
}

/** The settings of a new organization. */
export const defaultSettings: OrganizationSettings = {
  membersCanSeeOrgMembers: true,
  membersCanUsePersonalApiKeys: true,
  enforceVerifiedDomains: false,
  enforce2fa: false,
  isActive: true,
  isPendingDeletion: false,
  defaultRoleId: null
}

/** Changes some settings. */
export const withSettings = (organization: Organization, settings: Partial<OrganizationSettings>): Organization => ({
  ...organization,
  settings: { ...organization.settings, ...settings }
})

/** Someone joins: the member becomes the newest one. */
export const withMember = (organization: Organization, member: Member): Organization => ({
  ...organization,
  members: Rows.concat(organization.members, Rows.fromArray([member]))
})

/** A member leaves; their role memberships go with them (the foreign key cascades). */
export const withoutMember = (organization: Organization, userUuid: string): Organization => ({
  ...organization,
  members: Rows.filter(organization.members, (member) => member.user.uuid !== userUuid),
  memberships: (roleIndex) =>
    Rows.filter(organization.memberships(roleIndex), (membership) => membership.user.uuid !== userUuid)
})

/** A role is deleted, with its memberships. */
export const withoutRole = (organization: Organization, roleId: string): Organization => {
  const removed = organization.roleIndexOf(roleId)
  if (removed === undefined) return organization
  const before = (index: number) => (index < removed ? index : index + 1)
  return {
    ...organization,
    roles: { count: organization.roles.count - 1, at: (index) => organization.roles.at(before(index)) },
    memberships: (index) => organization.memberships(before(index)),
    roleIndexOf: (id) => {
      const index = organization.roleIndexOf(id)
      return index === undefined || index === removed ? undefined : index < removed ? index : index - 1
    }
  }
}

/**
 * What `viewer` sees where `members_can_see_org_members` is off: themselves and the people of their project.
 * PostHog: PR 72704; the same filter holds for the members, the embedded memberships and `/role_memberships/`.
 */
export const visibleTo = (organization: Organization, viewer: Member): Organization => {
  const visible = (user: User) => user.uuid === viewer.user.uuid || user.project === viewer.user.project
  return {
    ...organization,
    members: Rows.filter(organization.members, (member) => visible(member.user)),
    memberships: (roleIndex) =>
      Rows.filter(organization.memberships(roleIndex), (membership) => visible(membership.user))
  }
}
