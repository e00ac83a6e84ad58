/** Letters of a text that is coloured at all. */
export const MOST_COLOURED = 2_000_000;
