"""The column that is predicted."""

import pytest

from models.churn.errors import UnusableTable
from models.churn.target import target_of
from tests.unit.models.churn.customers import customers


def test_the_target_is_found_by_its_name_and_yes_means_left():
    target = target_of(customers())
    assert (target.name, target.positive, target.negative) == ("churn", "Yes", "No")
    assert target.labels.sum() == (customers()["churn"] == "Yes").sum()


def test_the_other_value_can_be_the_one_to_predict():
    assert target_of(customers(), positive="No").negative == "Yes"


YES_AND_NO = [
    *(
        ("yes", "no"),
        ("YES", "NO"),
        ("Y", "N"),
        ("True", "False"),
        ("1", "0"),
        ("1.0", "0.0"),
        ("1", "-1"),
        ("Ja", "Nein"),
    ),
    *(("ja", "nee"), ("oui", "non"), ("Sí", "No"), ("sì", "no"), ("SIM", "NÃO"), ("tak", "nie"), ("evet", "hayır")),
    *(("да", "нет"), ("Да", "Нет"), ("ναι", "όχι"), ("はい", "いいえ"), ("是", "否"), ("Churned", "Stayed")),
    *(
        ("Attrited Customer", "Existing Customer"),
        ("Gekündigt", "aktiv"),
        ("churned", "none"),
        ("Left", "Active"),
        ("yes", "null"),
    ),
]


@pytest.mark.parametrize(("left", "stayed"), YES_AND_NO)
def test_who_left_is_found_in_any_language_and_case(left, stayed):
    target = target_of(customers().assign(churn=lambda table: table["churn"].map({"Yes": left, "No": stayed})))
    assert (target.positive, target.negative) == (left, stayed)


def test_one_value_in_several_spellings_is_one_value():
    table = customers()
    spelled = table["churn"].where(table.index % 7 > 0, table["churn"].str.upper())
    target = target_of(table.assign(churn=spelled), positive="YES")
    assert (target.positive, target.negative) == ("Yes", "No")
    assert target.labels.tolist() == target_of(table).labels.tolist()


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda table: table, {"name": "Chrn"}, "Name it with --target: customer_id"),
        (lambda table: table.drop(columns="churn"), {}, "Which column says who left"),
        (lambda table: table.assign(churn="No"), {}, "'No' in every row"),
        (lambda table: table, {"name": "contract"}, "has 3 values"),
        (lambda table: table.assign(churn=["", *table["churn"][1:]]), {}, "blank in 1 rows"),
        (lambda table: table.assign(churn=["NA", "?", *table["churn"][2:]]), {}, "blank in 2 rows"),
        (lambda table: table.head(60), {}, "60 rows"),
        (lambda table: table, {"positive": "Maybe"}, "never 'Maybe'"),
        (lambda table: table.assign(churn=table["churn"].map({"Yes": "A", "No": "B"})), {}, "Which value of 'churn'"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_said_with_what_to_do(change, options, words):
    with pytest.raises(UnusableTable, match=words):
        target_of(change(customers()), **options)
