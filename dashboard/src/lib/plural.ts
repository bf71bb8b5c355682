/** English and Spanish say one thing of 1 and another of every other count; 1.00 is 1, too. */
export const isOne = (count: string): boolean => /^1([.,]0+)?$/.test(count)
