import type { Cause, Light } from '../server/contracts/assessment.ts'
import type { ActionState } from '../server/contracts/incident.ts'

export type Language = 'en' | 'es'

/** Everything that the demo says to its audience. What the service itself says is quoted as it is. */
export type DemoWords = {
  title: string
  preparing: string
  page(url: string): string
  needsLogin: string
  opened: string
  calm: { title: string; about: string; containers(count: number): string; done: string }
  attack: { title: string; about(victim: string): string; byScript: string; waiting: string }
  healing: { title: string; about: string }
  light: Record<Light, string>
  cause: Record<Cause, string>
  action: Record<ActionState, string>
  probability: string
  unknown: string
  memory: string
  of: string
  limitIn(seconds: number): string
  incident(container: string, cause: string): string
  forewarned(seconds: number): string
  reason: string
  serviceSays: string
  proposed: string
  leftAlone(container: string): string
  healed(seconds: number): string
  takenBack: string
  report: { title: string; saved(path: string): string }
  press: { attack: string; report: string; end: string }
  verify: { about: string; elsewhere: string }
  ending: string
}

export const WORDS: Record<Language, DemoWords> = {
  en: {
    title: 'DockerPulse: a failure that does not happen',
    preparing: 'Starting the service on a simulated Docker engine…',
    page: (url) => `The page: ${url}`,
    needsLogin: 'It asks for the token: log in there first.',
    opened: 'It opens in the browser. Keep it beside this window.',
    calm: {
      title: 'Act 1: calm',
      about: 'Once a second every container is read. Nothing is wrong, so nothing is coloured.',
      containers: (count) => `${count} containers are watched.`,
      done: 'That is what calm looks like.',
    },
    attack: {
      title: 'Act 2: attack',
      about: (victim) => `Memory begins to leak in ${victim}. Nobody tells the service.`,
      byScript: "The demo's own script brings the trouble: one every two minutes or so.",
      waiting: 'Watch the probability: it means "fails within 60 s".',
    },
    healing: { title: 'Act 3: healing', about: 'The service decides by itself, writes down why, and only then acts.' },
    light: { low: 'low', medium: 'medium', critical: 'critical' },
    cause: {
      'memory-limit': 'memory runs into its limit',
      'cpu-saturation': 'the CPU is saturated',
      'crash-loop': 'it crashes again and again',
      unhealthy: 'its health check fails',
      unknown: 'unknown',
    },
    action: {
      recorded: 'Restart recorded, not done',
      proposed: 'Restart proposed',
      rejected: 'Restart rejected by the operator',
      expired: 'The proposal has expired',
      refused: 'Restart refused',
      executing: 'Restart begun',
      executed: 'Restart done; its effect is being watched',
      failed: 'Restart failed',
      verified: 'Verified: the restart helped',
      ineffective: 'The restart did not help',
      unknown: 'What became of the restart is unknown',
    },
    probability: 'probability',
    unknown: 'not evaluated',
    memory: 'memory',
    of: 'of',
    limitIn: (seconds) => `limit in ${seconds} s`,
    incident: (container, cause) => `Incident in ${container}: ${cause}`,
    forewarned: (seconds) => `Seen ${seconds} s before the limit.`,
    reason: 'Reason',
    serviceSays: 'The service',
    proposed: 'It asks: approve or reject the restart on the page.',
    leftAlone: (container) => `${container} is left alone; the next trouble is awaited.`,
    healed: (seconds) => `From the incident to the proof that it helped: ${seconds} s.`,
    takenBack: 'The fault is taken back.',
    report: {
      title: 'The audit report',
      saved: (path) => `Saved: ${path}`,
    },
    press: {
      attack: 'Press Enter to attack. ',
      report: 'Press Enter for the audit report. ',
      end: 'The page stays until you press Enter. ',
    },
    verify: {
      about: 'Verify the log that the report speaks of, without the service:',
      elsewhere: "Verify the log where the service's data folder is:",
    },
    ending: 'Ending: everything that was started is stopped, every fault is taken back…',
  },
  es: {
    title: 'DockerPulse: el fallo que no llega a ocurrir',
    preparing: 'Arrancando el servicio sobre un motor Docker simulado…',
    page: (url) => `La página: ${url}`,
    needsLogin: 'Pide la clave: entre antes allí.',
    opened: 'Se abre en el navegador. Téngala al lado de esta ventana.',
    calm: {
      title: 'Acto 1: la calma',
      about: 'Cada segundo se lee cada contenedor. Nada va mal, así que nada lleva color.',
      containers: (count) => `Se vigilan ${count} contenedores.`,
      done: 'Así se ve la calma.',
    },
    attack: {
      title: 'Acto 2: el ataque',
      about: (victim) => `Empieza una fuga de memoria en ${victim}. Nadie avisa al servicio.`,
      byScript: 'El propio guion de la demo trae los problemas: uno cada dos minutos, más o menos.',
      waiting: 'Miren la probabilidad: significa «falla antes de 60 s».',
    },
    healing: {
      title: 'Acto 3: la curación',
      about: 'El servicio decide por sí mismo, anota por qué, y solo entonces actúa.',
    },
    light: { low: 'bajo', medium: 'medio', critical: 'crítico' },
    cause: {
      'memory-limit': 'la memoria llega a su límite',
      'cpu-saturation': 'la CPU está saturada',
      'crash-loop': 'se cae una y otra vez',
      unhealthy: 'falla su comprobación de salud',
      unknown: 'desconocida',
    },
    action: {
      recorded: 'Reinicio anotado, no hecho',
      proposed: 'Reinicio propuesto',
      rejected: 'Reinicio rechazado por el operador',
      expired: 'La propuesta ha caducado',
      refused: 'Reinicio denegado',
      executing: 'Reinicio en marcha',
      executed: 'Reinicio hecho; se observa su efecto',
      failed: 'El reinicio ha fallado',
      verified: 'Verificado: el reinicio ha ayudado',
      ineffective: 'El reinicio no ha ayudado',
      unknown: 'No se sabe qué fue del reinicio',
    },
    probability: 'probabilidad',
    unknown: 'sin evaluar',
    memory: 'memoria',
    of: 'de',
    limitIn: (seconds) => `límite en ${seconds} s`,
    incident: (container, cause) => `Incidente en ${container}: ${cause}`,
    forewarned: (seconds) => `Visto ${seconds} s antes del límite.`,
    reason: 'Motivo',
    serviceSays: 'El servicio',
    proposed: 'Pregunta: apruebe o rechace el reinicio en la página.',
    leftAlone: (container) => `${container} se deja en paz; se espera el siguiente problema.`,
    healed: (seconds) => `Del incidente a la prueba de que ayudó: ${seconds} s.`,
    takenBack: 'La avería se ha retirado.',
    report: {
      title: 'El informe de auditoría',
      saved: (path) => `Guardado: ${path}`,
    },
    press: {
      attack: 'Pulse Intro para atacar. ',
      report: 'Pulse Intro para el informe de auditoría. ',
      end: 'La página sigue ahí hasta que pulse Intro. ',
    },
    verify: {
      about: 'Compruebe el registro del que habla el informe, sin el servicio:',
      elsewhere: 'Compruebe el registro donde está la carpeta de datos del servicio:',
    },
    ending: 'Terminando: se para todo lo arrancado y se retira toda avería…',
  },
}

/** The language of the environment, as gettext finds it. */
export function languageOf(env: NodeJS.ProcessEnv): Language {
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || ''
  return /^es\b|^es_/i.test(locale) ? 'es' : 'en'
}
