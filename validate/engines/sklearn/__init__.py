"""Fitted estimators of scikit-learn, XGBoost, LightGBM and CatBoost."""
