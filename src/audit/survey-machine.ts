import type { FoundRoot } from './roots.js';
import { Gathering } from './spaces.js';
import type { AuditedUnit, MemoryImage, Survey } from './survey.js';
import { surveyAmdvi } from './survey-amdvi.js';
import { surveySmmuv3 } from './survey-smmuv3.js';
import { surveyVtd } from './survey-vtd.js';
import { Allowance, type SurveyBounds } from './walk-space.js';

const SURVEYS = { vtd: surveyVtd, amdvi: surveyAmdvi, smmuv3: surveySmmuv3 };

/** What of the IOMMU units with these roots the tables in memory say. Reads so much at most, whatever the roots are. */
export function surveyMachine(
  image: MemoryImage,
  roots: readonly FoundRoot[],
  bounds?: SurveyBounds,
): Survey {
  const gathering = new Gathering(image, new Allowance(bounds));
  const units = roots.map((root, unit): AuditedUnit => {
    return SURVEYS[root.kind](gathering, root, unit);
  });
  return { image, units, devices: gathering.devices, spaces: gathering.spaces };
}
