using System.Diagnostics.CodeAnalysis;

namespace MiniOneRec.Modeling;

/// <summary>Finds the package MiniOneRec.Pretrained in an application that references it.</summary>
/// <remarks>
/// Types are named by constants, which the trimmer follows: it keeps them wherever the application references the package, and an
/// application that does not reference it is unaffected. See <c>docs/decisions/pretrained-package.md</c>.
/// </remarks>
internal static class PretrainedPackage
{
    /// <summary>The name of the package.</summary>
    public const string Name = "MiniOneRec.Pretrained";

    private static readonly string[] TemplateNames = ["alpaca", "chat"];

    private static readonly Lazy<IReadOnlyList<PromptTemplateLoader>> FoundTemplates =
        new(() => Create<IPromptTemplateSource>("MiniOneRec.Pretrained.PretrainedTemplates, MiniOneRec.Pretrained")?.Loaders ?? []);

    /// <summary>Gets the loaders of the package's templates; none where the application does not reference the package.</summary>
    public static IReadOnlyList<PromptTemplateLoader> Templates => FoundTemplates.Value;

    /// <summary>Gets whether a template of the name comes with the package.</summary>
    public static bool HasTemplate(string name) => TemplateNames.Contains(name, StringComparer.Ordinal);

    /// <summary>Makes an object of the package.</summary>
    /// <param name="type">The name of the type with its assembly, a constant.</param>
    /// <returns>The object, or <see langword="null"/> where the application does not reference the package.</returns>
    public static T? Create<T>([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] string type)
        where T : class =>
        Type.GetType(type, throwOnError: false) is { } found ? (T?)Activator.CreateInstance(found) : null;
}
