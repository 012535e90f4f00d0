"""The words of the account pages, Spanish first."""

from collections.abc import Mapping

TEXTS: Mapping[str, Mapping[str, str]] = {
    "es": {
        "sign_in_title": "Iniciar sesión",
        "email": "Correo electrónico",
        "password": "Contraseña",
        "sign_in": "Entrar",
        "signed_in_title": "Sesión iniciada",
        "signed_in_as": "Has entrado como",
        "go_on": "Continuar",
        "sign_out": "Cerrar sesión",
        "sign_out_note": "Se cierran tus sesiones en todos los navegadores.",
        "wrong": "El correo electrónico o la contraseña no son correctos.",
        "too_many": "Demasiados intentos. Prueba de nuevo dentro de {seconds} segundos.",
        "busy": "Ahora mismo no es posible entrar. Prueba de nuevo en unos segundos.",
        "stale": "La página ha caducado. Vuelve a intentarlo.",
    },
    "en": {
        "sign_in_title": "Sign in",
        "email": "E-mail",
        "password": "Password",
        "sign_in": "Sign in",
        "signed_in_title": "Signed in",
        "signed_in_as": "You are signed in as",
        "go_on": "Continue",
        "sign_out": "Sign out",
        "sign_out_note": "This ends your sessions in every browser.",
        "wrong": "The e-mail or the password is wrong.",
        "too_many": "Too many tries. Try again in {seconds} seconds.",
        "busy": "Signing in is not possible just now. Try again in a few seconds.",
        "stale": "The page was too old. Please try again.",
    },
}
