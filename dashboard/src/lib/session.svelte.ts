import type { Api, Role } from './api.ts'

let role = $state<Role>('operator')

/** Whoever looks at the page. A viewer sees every control, cannot use it, and is told why. */
export const session = {
  get isViewer(): boolean {
    return role === 'viewer'
  },
  /** Asks the service once. Where it cannot tell, its own refusal of each change says it. */
  async read(api: Pick<Api, 'session'>): Promise<void> {
    try {
      role = (await api.session()).role
    } catch {
      role = 'operator'
    }
  },
}
