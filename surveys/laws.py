"""The laws of surveys as queries."""

from accounts import laws
from accounts.laws import Law

_LAWS = (
    Law(
        "S1",
        "a person answers a survey once, and what was sent is one activity of that person for that survey",
        """SELECT 'twice', min(id), count(*) FROM surveys_response
           GROUP BY survey_id, employee_id HAVING count(*) > 1
           UNION ALL
           SELECT 'activity', r.id, r.activity_id FROM surveys_response r
           LEFT JOIN loyalty_activity a ON a.id = r.activity_id
           LEFT JOIN loyalty_activitytype t ON t.id = a.type_id
           LEFT JOIN surveys_survey s ON s.id = r.survey_id
           WHERE (r.submitted_at IS NULL) <> (r.activity_id IS NULL)
              OR (r.activity_id IS NOT NULL
                  AND (t.code = 'survey-answered' AND a.employee_id = r.employee_id AND a.company_id = r.company_id
                       AND a.attributes ->> 'survey' = s.code) IS NOT TRUE)
           UNION ALL
           SELECT 'paid without a response', a.id, a.employee_id FROM loyalty_activity a
           JOIN loyalty_source o ON o.id = a.source_id AND o.code = 'twofold'
           JOIN loyalty_activitytype t ON t.id = a.type_id AND t.code = 'survey-answered'
           LEFT JOIN surveys_response r ON r.activity_id = a.id
           WHERE r.id IS NULL AND a.reverses_external_id = ''""",
    ),
)


def register() -> None:
    """Make the laws known to `verify_ledger`."""
    laws.register(*_LAWS)
