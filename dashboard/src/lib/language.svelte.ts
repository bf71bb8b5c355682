import { createFormat, type Format, type Language } from './format.ts'
import { MESSAGES, type Messages, TERMS, type Terms } from './messages.ts'

const FORMATS: Record<Language, Format> = { en: createFormat('en'), es: createFormat('es') }

let current = $state<Language>('en')

/** The reader's language: the words and the way to write numbers. One for the whole page. */
export const language = {
  get current(): Language {
    return current
  },
  set current(next: Language) {
    current = next
  },
  get words(): Messages {
    return MESSAGES[current]
  },
  get terms(): Terms {
    return TERMS[current]
  },
  get format(): Format {
    return FORMATS[current]
  },
}

/** What the browser asks for, among the languages there are. */
export const browserLanguage = (): Language => (navigator.language.toLowerCase().startsWith('es') ? 'es' : 'en')
