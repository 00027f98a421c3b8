"""A table of text, integers and numbers, and models that were made for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier


def wine_table() -> pd.DataFrame:
    """Wine with a column of text, one of integers and one of missing values, under awkward names."""
    table = load_wine(as_frame=True).data.iloc[:, :6]
    table["shade (eye)"] = np.array(["pale", "mid", "deep"])[(table["alcohol"] * 7).astype(int) % 3]
    table["label"] = (table["ash"] * 10).round().astype(int) % 5
    table["variable"] = table["magnesium"].where(table["magnesium"] > 90)
    return table


TABLE = wine_table()
NUMBERS = [*TABLE.columns[:6]]
FEED = {name: column.to_numpy()[:, None] for name, column in TABLE.items()}


def table_model(last: Any, encoder: Any = None, **settings: Any) -> Any:
    encoder = encoder or OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["variable", *NUMBERS[::-1]]),
            ("categories", encoder, ["label", "shade (eye)"]),
        ],
        **settings,
    )
    return make_pipeline(columns, last) if last is not None else columns


TABLE_MODELS = {
    "linear": table_model(LogisticRegression(max_iter=500)),
    "trees": table_model(RandomForestClassifier(9, random_state=0)),
    "weighted": table_model(LinearSVC(), transformer_weights={"numbers": 2.0, "categories": 0.5}),
    "alone": table_model(None),
    "infrequent": table_model(
        DecisionTreeClassifier(), OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=40)
    ),
    "ordinal": table_model(
        DecisionTreeClassifier(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    ),
    "ordinal, unknown is missing": table_model(
        DecisionTreeClassifier(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    ),
    "remainder": make_pipeline(
        ColumnTransformer([("c", OneHotEncoder(), ["shade (eye)"])], remainder="passthrough"), DecisionTreeClassifier()
    ),
    "text filled in": make_pipeline(
        ColumnTransformer(
            [
                ("text", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["shade (eye)"]),
                ("numbers", SimpleImputer(add_indicator=True), ["variable", "ash"]),
            ]
        ),
        RidgeClassifier(),
    ),
    "a searched table": GridSearchCV(
        table_model(LogisticRegression(max_iter=500)), {"logisticregression__C": [0.1, 1.0]}, cv=2
    ),
    "slices and masks": make_pipeline(
        ColumnTransformer([("a", MinMaxScaler(), slice(1, 4)), ("b", "passthrough", np.arange(9) == 0)]), LinearSVC()
    ),
}  # fmt: skip
