import { describe, expect, it } from 'vitest';
import { resolveEdition } from './edition.js';
import { consultationOf, nothingConsulted, watchedProfile } from './watched.js';

describe('a watched profile', () => {
  const { profile } = resolveEdition('4.13');

  it('answers as the profile does', () => {
    expect({ ...watchedProfile(profile, nothingConsulted(profile)) }).toEqual(profile);
  });

  it('notes which behaviours were asked for, and no others', () => {
    const consulted = nothingConsulted(profile);
    const watched = watchedProfile(profile, consulted);
    expect(consultationOf(profile, consulted)).toEqual({ consulted: [], never: Object.keys(profile).sort() });
    expect([watched.selfGrant, watched.quarantine, watched.selfGrant]).toContain(profile.quarantine);
    const { consulted: asked, never } = consultationOf(profile, consulted);
    expect(asked).toEqual(['quarantine', 'selfGrant']);
    expect([...asked, ...never].sort()).toEqual(Object.keys(profile).sort());
  });
});
