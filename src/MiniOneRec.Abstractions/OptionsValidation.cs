using Microsoft.Extensions.Options;

namespace MiniOneRec;

/// <summary>Runs options validators where there is no container, with every broken rule in one message.</summary>
public static class OptionsValidation
{
    /// <summary>Validates options as the container would.</summary>
    /// <param name="options">The options.</param>
    /// <param name="validators">The validators, all of them run.</param>
    /// <returns>The same options.</returns>
    /// <exception cref="OptionsValidationException">A rule is broken; the message lists every broken rule.</exception>
    public static T Validated<T>(T options, params IReadOnlyList<IValidateOptions<T>> validators)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(validators);

        var failures = validators
            .Select(validator => validator.Validate(Options.DefaultName, options))
            .Where(result => result.Failed)
            .SelectMany(result => result.Failures ?? [])
            .ToArray();
        return failures.Length == 0 ? options : throw new OptionsValidationException(Options.DefaultName, typeof(T), failures);
    }
}
