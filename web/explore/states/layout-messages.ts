/** What the layout says: how far it has come, and at last how far to the right each node stands. */
export type LayoutReply = { readonly share: number } | { readonly x: Float64Array };
