using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MiniOneRec.IntegrationTests;

/// <summary>Keeps what is logged.</summary>
internal sealed class Messages : ILoggerFactory, ILogger
{
    public ConcurrentQueue<string> Written { get; } = [];

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
        string> formatter) =>
        Written.Enqueue(formatter(state, exception));

    public void Dispose()
    {
    }
}
